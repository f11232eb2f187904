"""The Hugging Face hub, from one that runs here, and its pipelines."""

import json
import os
import shutil
import subprocess
import sys
import threading
from http.server import ThreadingHTTPServer

import pytest

from perplexity_detector.classifier.text_classification import TextClassification
from perplexity_detector.detectors.text_detector import TextDetector
from tests.hub import Hub
from tests.labelled import SAMPLE, light_detector, two_styles

TEXTS, _ = two_styles(6, seed=3)
TOKEN = "hf_a_token_for_tests"
PUSH = """
detector = TextDetector.from_pretrained(sys.argv[1])
print(detector.push_to_hub(sys.argv[2], token=sys.argv[3], license="mit"))
"""
#: What each name gives: probabilities of the texts, or an error.
LOAD = """
def load(name):
    try:
        detector = TextDetector.from_pretrained(name)
    except ArtefactError as error:
        return str(error)
    return detector.predict_proba(json.loads(sys.argv[1]))[:, 1].tolist()
print(json.dumps([load(name) for name in sys.argv[2:]]))
"""


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    Hub.models, Hub.new = {}, tmp_path_factory.mktemp("hub")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A detector with metrics, saved."""
    detector = light_detector(fpr=0.1).fit(*two_styles(60))
    detector.metrics_ = {"splits": {"test": {"auroc": [0.9, 0.85, 0.95], "brier": [0.1, 0, 0.2]}}}
    return detector.save_pretrained(tmp_path_factory.mktemp("saved") / "model")


def python(folder, code, *arguments, **environment):
    """Code on a machine of its own: the last line of its output, or of its error."""
    imports = """
import json, sys
from perplexity_detector import TextDetector
from perplexity_detector.errors import ArtefactError
"""
    done = subprocess.run(
        [sys.executable, "-c", imports + code, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env={
            **os.environ,
            "HF_HOME": str(folder / "hf"),
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_XET": "1",
            "OMP_NUM_THREADS": "1",
            **environment,
        },
    )
    return (done.stderr if done.returncode else done.stdout).strip().splitlines()[-1]


@pytest.fixture(scope="module")
def pushed(hub, saved, tmp_path_factory):
    """The folder on the hub after a push."""
    answer = python(
        tmp_path_factory.mktemp("pusher"), PUSH, saved, "ada/essays", TOKEN, HF_ENDPOINT=hub
    )
    assert answer.startswith(f"{hub}/ada/essays/commit/"), answer
    assert "/api/validate-yaml" in Hub.asked  # the hub has checked the card
    return Hub.new / "essays"


def test_what_is_pushed_is_the_artefact(pushed, saved):
    assert {file.name for file in pushed.iterdir()} == {file.name for file in saved.iterdir()}
    for file in saved.iterdir():
        if file.name not in ("README.md", "config.json"):  # the card names another licence
            assert (pushed / file.name).read_bytes() == file.read_bytes()


def test_what_is_loaded_is_the_same_detector(pushed, hub, saved, tmp_path):
    """And whatever is none, or damaged, is refused in a sentence."""
    Hub.asked.clear()
    for name in ("other", "empty"):
        (tmp_path / name).mkdir()
        Hub.models[f"ada/{name}"] = tmp_path / name
    (tmp_path / "other" / "config.json").write_text('{"model_type": "gpt2"}')
    Hub.models["ada/damaged"] = shutil.copytree(pushed, tmp_path / "damaged")
    damaged = tmp_path / "damaged" / "calibrator.json"
    damaged.write_bytes(damaged.read_bytes().replace(b"1", b"2"))
    (tmp_path / "damaged" / "other.bin").write_bytes(b"0" * 100)

    names = [f"ada/{name}" for name in ("essays", "damaged", "nothing", "other", "empty")]
    answer = python(tmp_path, LOAD, json.dumps(TEXTS), *names, HF_ENDPOINT=hub)
    probabilities, damaged_one, *others = json.loads(answer)
    expected = TextDetector.from_pretrained(saved).predict_proba(TEXTS)[:, 1].tolist()
    assert probabilities == expected
    assert "calibrator.json is missing or not what was saved" in damaged_one
    assert others == [
        "The hub has no public model called ada/nothing: look up its exact name.",
        "ada/other on the hub is no detector of this package.",
        "ada/empty on the hub lacks a file of such a model.",
    ]
    assert not any("other.bin" in path for path in Hub.asked)  # what is not listed stays there

    # what was loaded once is loaded again without the hub
    offline = python(
        tmp_path, LOAD, json.dumps(TEXTS), "ada/essays", "ada/unseen", HF_HUB_OFFLINE="1"
    )
    again, unseen = json.loads(offline)
    assert again == expected
    assert unseen.startswith("The hub cannot be reached, so ada/unseen cannot be pulled")


def test_the_card_is_what_the_hub_reads(pushed):
    from huggingface_hub import ModelCard

    data = ModelCard.load(pushed / "README.md").data
    assert (data.language, data.license) == ("en", "mit")
    assert (data.library_name, data.pipeline_tag) == ("perplexity-detector", "text-classification")
    results = [(one.dataset_split, one.metric_type, one.metric_value) for one in data.eval_results]
    assert results == [("test", "roc_auc", 0.9), ("test", "brier_score", 0.1)]


def test_an_artefact_without_metrics_has_a_card_without_results(tmp_path):
    from huggingface_hub import ModelCard

    folder = light_detector().fit(*two_styles(40)).save_pretrained(tmp_path / "model")
    data = ModelCard.load(folder / "README.md").data
    assert data.eval_results is None
    assert data.license == "apache-2.0"


def test_a_push_without_a_hub(saved, tmp_path):
    message = python(tmp_path, PUSH, saved, "ada/essays", TOKEN, HF_HUB_OFFLINE="1")
    assert "ArtefactError: The hub cannot be reached, so ada/essays cannot be pushed" in message


def test_a_path_never_asks_the_hub(tmp_path, monkeypatch):
    """`data/model` has the form of a name on the hub."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    for path in ("data/model", "./data/model", tmp_path / "model", "model", "a/b/c"):
        with pytest.raises(Exception, match="There is no detector in"):
            TextDetector.from_pretrained(path)


def test_commands_never_ask_the_hub(here, monkeypatch):
    """A mistyped path is no reason to send it anywhere."""
    monkeypatch.setattr("socket.getaddrinfo", None)  # a look-up would now be an error of ours
    for command in ("predict", "evaluate"):
        code, _, err = here(command, f"--dataset={SAMPLE}", "--detector=models/esays")
        assert code == 2
        assert err.startswith("There is no detector in models/esays")


# --- pipelines ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def theirs(tiny_gpt2):
    """A pipeline of transformers, with random weights and our labels."""
    import transformers

    config = transformers.GPT2Config.from_pretrained(tiny_gpt2, num_labels=2, pad_token_id=0)
    config.id2label = {0: "human", 1: "generated"}
    model = transformers.GPT2ForSequenceClassification(config)
    tokenizer = transformers.AutoTokenizer.from_pretrained(tiny_gpt2)
    return transformers.pipeline("text-classification", model=model, tokenizer=tokenizer)


@pytest.mark.parametrize("inputs", ["It rains.", ["It rains."], ["It rains.", "It pours."]])
@pytest.mark.parametrize("top_k", [1, 2, None])
def test_answers_have_the_form_of_transformers(inputs, top_k, theirs, saved):
    ours = TextDetector.from_pretrained(saved).pipeline()
    if top_k == 1:
        assert form(ours(inputs)) == form(theirs(inputs))
    else:
        assert form(ours(inputs, top_k=top_k)) == form(theirs(inputs, top_k=top_k))


def form(answer):
    """An answer without its values."""
    if isinstance(answer, list):
        return [form(one) for one in answer]
    return {name: type(value) for name, value in answer.items()}


def test_a_label_is_the_likelier_class(saved):
    detector = TextDetector.from_pretrained(saved)
    answers = detector.pipeline()(iter(TEXTS))
    probabilities = detector.predict_proba(TEXTS)
    for answer, row in zip(answers, probabilities, strict=True):
        assert answer == {"label": ("human", "generated")[row.argmax()], "score": row.max()}
    assert {answer["label"] for answer in answers} == {"human", "generated"}
    (first,) = detector.pipeline()(TEXTS[:1], top_k=None)
    assert [one["score"] for one in first] == sorted(probabilities[0], reverse=True)
    assert detector.pipeline()([]) == []


def test_any_classifier_of_texts_can_be_called_so():
    import numpy as np

    pipeline = TextClassification(lambda texts: np.array([[0.5, 0.5]] * len(texts)))
    assert pipeline("x") == [{"label": "human", "score": 0.5}]  # a tie accuses nobody
