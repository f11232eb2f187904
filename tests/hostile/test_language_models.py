"""A stranger's language model: none of its code is run, and nobody is asked whether to."""

import json
import shutil
import subprocess
import sys

import pytest

from perplexity_detector.detectors.loading import load_detector
from perplexity_detector.errors import ArtefactError, LanguageModelError
from perplexity_detector.lm.cache import CachedScorer
from perplexity_detector.lm.scorer import LanguageModelScorer
from perplexity_detector.lm.weights import catalogue
from tests.paths import ROOT

TEXT = "We walked to the lake before it rained."
CODE = "import pathlib\npathlib.Path('{mark}').touch()\n"


@pytest.fixture
def stranger(tiny_gpt2, tmp_path):
    """A folder with code next to its weights, which would leave a mark."""
    folder = shutil.copytree(tiny_gpt2, tmp_path / "stranger")
    mark = tmp_path / "mark"
    for name in ("configuration_odd", "modeling_odd", "tokenization_odd"):
        (folder / f"{name}.py").write_text(CODE.format(mark=mark))
    return folder


def change(folder, name="config.json", **values):
    config = json.loads((folder / name).read_text())
    (folder / name).write_text(json.dumps({**config, **values}))


AUTO_MAP = {
    "AutoConfig": "configuration_odd.Odd",
    "AutoModel": "modeling_odd.Odd",
    "AutoModelForCausalLM": "modeling_odd.Odd",
}
_LOAD = """
import sys
from perplexity_detector.errors import LanguageModelError
from perplexity_detector.lm.weights.catalogue import load
try:
    load(sys.argv[1])
except LanguageModelError as error:
    print(error)
"""


@pytest.mark.parametrize("packed", [False, True])
def test_code_is_never_run_and_nobody_is_asked(stranger, smollm2_folder, tmp_path, packed):
    if packed:
        for name in ("model.safetensors", "tokenizer.json"):
            (stranger / name).unlink()
            (stranger / name).symlink_to(smollm2_folder / name)
    change(stranger, model_type="odd", auto_map=AUTO_MAP)
    done = subprocess.run(
        [sys.executable, "-c", _LOAD, stranger],
        input="y\n" * 9,  # to whatever is asked
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    assert "it brings code of its own, which is never run." in done.stdout
    assert "[y/N]" not in done.stdout + done.stderr
    assert not (tmp_path / "mark").exists()


def test_code_beside_a_known_architecture_is_left_alone(stranger, tmp_path):
    change(stranger, auto_map=AUTO_MAP)
    assert catalogue.load(str(stranger)).context == 64
    assert not (tmp_path / "mark").exists()


def test_a_tokenizer_of_its_own_is_not_run(stranger, tmp_path):
    auto_map = {"AutoTokenizer": ["tokenization_odd.Odd", "tokenization_odd.Odd"]}
    change(stranger, "tokenizer_config.json", tokenizer_class="Odd", auto_map=auto_map)
    try:
        catalogue.load(str(stranger))
    except LanguageModelError as error:
        assert "\n" not in str(error)
    assert not (tmp_path / "mark").exists()


@pytest.mark.parametrize("setting", ["attn_implementation", "_attn_implementation"])
def test_kernels_of_the_hub_are_refused(stranger, setting):
    change(stranger, **{setting: "stranger/kernel"})
    with pytest.raises(LanguageModelError, match="a kernel of its own"):
        catalogue.load(str(stranger))


def test_a_class_that_config_names_is_not_taken(smollm2_folder, tmp_path):
    folder = tmp_path / "packed"
    folder.mkdir()
    for file in smollm2_folder.iterdir():
        (folder / file.name).symlink_to(file)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").unlink()
    (folder / "config.json").write_text(json.dumps({**config, "architectures": ["pipeline"]}))
    for of_transformers, name in ((False, "Llama"), (True, "LlamaForCausalLM")):
        loaded = catalogue.load(str(folder), of_transformers=of_transformers)
        assert type(loaded.model).__name__ == name


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"7", b"{", b"[" * 100_000, b"\xff", b'{"model_type": ["gpt2"]}']
)
def test_a_damaged_config_is_one_sentence(stranger, content):
    (stranger / "config.json").write_bytes(content)
    with pytest.raises(LanguageModelError) as caught:
        catalogue.load(str(stranger))
    assert "\n" not in str(caught.value)


def test_a_package_that_a_model_wants_is_one_sentence(stranger):
    change(stranger, quantization_config={"quant_method": "awq", "bits": 4})
    with pytest.raises(LanguageModelError) as caught:
        catalogue.load(str(stranger))
    assert "\n" not in str(caught.value)


# --- a fine-tuned network in an artefact ---------------------------------------------------


@pytest.fixture(scope="module")
def fine_tuned(tiny_llama, tmp_path_factory):
    from perplexity_detector.detectors.registry import make_detector
    from tests.labelled import two_styles

    detector = make_detector(
        "first_layers", lm=str(tiny_llama), blocks=1, max_texts=8, max_tokens=8
    )
    detector.fit(*two_styles(60))
    return detector.save_pretrained(tmp_path_factory.mktemp("fine_tuned") / "model")


@pytest.mark.parametrize(
    "settings",
    [
        {"model_type": "odd", "auto_map": AUTO_MAP},
        {"attn_implementation": "stranger/kernel"},
        {"hidden_size": 2**40},
        {"num_hidden_layers": 10**9},
        {"vocab_size": 2**50},
        {"num_attention_heads": 0},
    ],
)
def test_another_architecture_is_one_sentence(fine_tuned, tmp_path, settings):
    from perplexity_detector.detectors.baselines.neural import FineTunedBaseline
    from perplexity_detector.explanation.explainable import ExplainableClassifier
    from tests.hostile.test_artefacts import changed_json

    assert issubclass(type(ExplainableClassifier.from_pretrained(fine_tuned)), FineTunedBaseline)
    folder = shutil.copytree(fine_tuned, tmp_path / "model")
    changed_json(folder, "network.json", lambda about: about["config"].update(settings))
    with pytest.raises((ArtefactError, LanguageModelError)) as caught:
        ExplainableClassifier.from_pretrained(folder)
    assert "\n" not in str(caught.value)


def test_a_detector_refuses_its_model_with_another_configuration(smollm2_folder, tmp_path):
    for file in smollm2_folder.iterdir():
        (tmp_path / file.name).symlink_to(file)
    (tmp_path / "config.json").unlink()
    shutil.copy(smollm2_folder / "config.json", tmp_path)
    change(tmp_path, rms_norm_eps=1e-3)
    changed = load_detector(tmp_path, "fast", lm=str(tmp_path))
    with pytest.raises(ArtefactError, match="trained with another language model"):
        changed.assess([TEXT], why=False)


def test_results_of_another_configuration_are_not_mixed(tiny_gpt2, tmp_path):
    folder = shutil.copytree(tiny_gpt2, tmp_path / "model")
    cache = tmp_path / "cache"
    before = CachedScorer(LanguageModelScorer(str(folder)), cache).score([TEXT])[0].surprisal
    change(folder, layer_norm_epsilon=0.5)
    changed = LanguageModelScorer(str(folder))
    again = CachedScorer(changed, cache).score([TEXT])[0].surprisal
    assert again.tolist() == changed.score([TEXT])[0].surprisal.astype("float16").tolist()
    assert again.tolist() != before.tolist()
