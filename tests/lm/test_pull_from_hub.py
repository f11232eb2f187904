"""Pulling from the hub: from one that runs here, and every way in which that can fail."""

import json
import os
import subprocess
import sys
import threading
from http.server import ThreadingHTTPServer

import pytest

from tests.hub import COMMIT, Hub

PULL = "from perplexity_detector.lm import pull; pull.pull(*sys.argv[1:])"
SCORE = """
from perplexity_detector.lm.scorer import LanguageModelScorer
scorers = [LanguageModelScorer(name) for name in sys.argv[1:]]
surprisal = [scorer.score(["It rains."])[0].surprisal.tolist() for scorer in scorers]
print(json.dumps([scorers[0].identity, *surprisal]))
"""


@pytest.fixture(scope="module")
def hub():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture
def python(tmp_path):
    """Run code with arguments on a machine of its own: the last line of its output or error."""

    def run(code, *arguments, **environment):
        done = subprocess.run(
            [sys.executable, "-c", f"import json, sys\n{code}", *arguments],
            capture_output=True,
            text=True,
            check=False,
            env={
                **os.environ,
                "PERPLEXITY_DETECTOR_HOME": str(tmp_path / "home"),
                "HF_HOME": str(tmp_path / "hf"),
                "HF_HUB_DISABLE_TELEMETRY": "1",
                "HF_HUB_DISABLE_XET": "1",
                "OMP_NUM_THREADS": "1",
                **environment,
            },
        )
        return (done.stderr if done.returncode else done.stdout).strip().splitlines()[-1:]

    return run


def test_a_pulled_model_is_read_without_asking_the_hub(hub, python, tiny_gpt2, tmp_path):
    Hub.models = {"someone/tiny": tiny_gpt2}
    assert python(PULL, "someone/tiny", HF_ENDPOINT=hub) == []
    (pin,) = json.loads((tmp_path / "home" / "pins.json").read_text()).items()
    size = sum(file.stat().st_size for file in tiny_gpt2.iterdir())
    assert pin == (
        "someone/tiny",
        {"revision": None, "commit": COMMIT, "licence": "mit", "bytes": size, "bos_id": 0},
    )
    assert Hub.asked
    Hub.asked.clear()
    (answer,) = python(SCORE, "someone/tiny", str(tiny_gpt2), HF_ENDPOINT=hub)
    assert Hub.asked == []
    identity, pulled, original = json.loads(answer)
    assert identity == f"someone/tiny@{COMMIT} bos=0 window=64 float32"
    assert pulled == original


def test_the_first_token_is_chosen_by_what_prose_costs(
    hub, python, save_model, tiny_gpt2, tmp_path
):
    import transformers

    from perplexity_detector.lm.bos import bits_per_character
    from perplexity_detector.lm.scorer import LanguageModelScorer

    model = transformers.GPT2LMHeadModel.from_pretrained(tiny_gpt2)
    folder = save_model(model, bos_token="<|im_start|>", eos_token="<|im_end|>")
    scorer = LanguageModelScorer(str(folder))
    figures = bits_per_character(scorer, scorer.bos_candidates)
    best = min(figures, key=figures.__getitem__)
    assert set(figures) == {0, 1, 2}
    Hub.models = {"someone/tiny": folder}
    assert python(PULL, "someone/tiny", HF_ENDPOINT=hub) == []
    pins = json.loads((tmp_path / "home" / "pins.json").read_text())
    assert pins["someone/tiny"]["bos_id"] == best


def test_a_model_that_cannot_score_is_not_pinned(hub, python, save_model, tmp_path):
    import transformers

    config = transformers.T5Config(
        vocab_size=512, d_model=16, d_kv=8, d_ff=32, num_layers=1, num_heads=2
    )
    Hub.models = {"someone/t5": save_model(transformers.T5ForConditionalGeneration(config))}
    (message,) = python(PULL, "someone/t5", HF_ENDPOINT=hub)
    assert message.endswith("someone/t5 is an encoder-decoder, not a causal language model.")
    assert not (tmp_path / "home" / "pins.json").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nobody/nothing"], "The hub has no public model called nobody/nothing: look up"),
        (["not a name"], "The hub has no public model called not a name: look up"),
        (["someone/gated"], "someone/gated asks for its licence to be accepted: accept it on"),
        (["someone/tiny", "", "v9"], "someone/tiny has no such revision on the hub."),
    ],
)
def test_what_the_hub_refuses(hub, python, tiny_gpt2, arguments, message):
    Hub.models = {"someone/tiny": tiny_gpt2, "someone/gated": "gated"}
    (answer,) = python(PULL, *arguments, HF_ENDPOINT=hub)
    assert answer.startswith(f"perplexity_detector.errors.LanguageModelError: {message}")


@pytest.mark.parametrize(
    "environment", [{"HF_HUB_OFFLINE": "1"}, {"HF_ENDPOINT": "http://127.0.0.1:9"}]
)
def test_no_network(python, environment):
    (message,) = python(PULL, "someone/tiny", **environment)
    assert (
        "LanguageModelError: The hub cannot be reached, so someone/tiny cannot be pulled" in message
    )
    assert message.endswith("pull it where there is a network, or use a folder with lm=FOLDER.")
