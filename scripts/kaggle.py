"""Write what a Kaggle notebook without internet needs: a folder of wheels, and the notebook.

Usage: PYTHON scripts/kaggle.py WHEEL FOLDER [--no-torch]

PYTHON is of the version that Kaggle has: pip brings what it would install there. WHEEL is the
package's own. With --no-torch, torch is left out: Kaggle's images have one.
"""

import platform
import re
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).parents[1]
NOTEBOOK = ROOT / "notebooks" / "kaggle.ipynb"
#: Platforms of wheels that run on a Linux with glibc 2.28 or newer, the best first.
PLATFORMS = (*(f"manylinux_2_{minor}_x86_64" for minor in range(28, 4, -1)), "manylinux2014_x86_64")
#: torch and what its CUDA build brings along; NCCL is XGBoost's as well.
TORCH = re.compile(r"(torch|triton)-|cuda_|nvidia_(?!nccl_)")


def main(wheel: str, folder: str, *flags: str) -> None:
    """Write `FOLDER/wheels`, the dataset, and `FOLDER/kaggle.ipynb`."""
    if flags not in ((), ("--no-torch",)):
        raise SystemExit(__doc__)
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        raise SystemExit("Only Linux on x86-64 can tell which wheels Kaggle's Linux needs.")
    wheels = Path(folder) / "wheels"
    wheels.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as environment:
        venv.create(environment, with_pip=True)
        command = [
            *(f"{environment}/bin/python", "-m", "pip", "download", "--quiet"),
            *("--only-binary=:all:", f"--constraint={ROOT / 'constraints.txt'}"),
            *(f"--platform={one}" for one in PLATFORMS),
            *(f"--dest={wheels}", wheel),
        ]
        subprocess.run(command, check=True)
    if flags:
        for file in wheels.iterdir():
            if TORCH.match(file.name):
                file.unlink()
    shutil.copy(NOTEBOOK, folder)
    files = list(wheels.iterdir())
    megabytes = sum(file.stat().st_size for file in files) / 1e6
    python = f"Python {sys.version_info.major}.{sys.version_info.minor}"
    print(f"{folder}: a notebook, and {len(files)} wheels for {python}, {megabytes:.0f} MB")


if __name__ == "__main__":
    if len(sys.argv) < 3:
        raise SystemExit(__doc__)
    main(*sys.argv[1:])
