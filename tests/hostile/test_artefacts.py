"""A stranger's artefact: whatever its files hold, loading it ends well or in one sentence."""

import hashlib
import json
import subprocess
import sys

import numpy as np
import pytest
import safetensors.numpy

from perplexity_detector.detectors.text_detector import TextDetector
from perplexity_detector.detectors.trees_check import check_trees
from perplexity_detector.errors import ArtefactError, PerplexityDetectorError
from perplexity_detector.io import ubjson
from perplexity_detector.io.artefact_folder import PRETRAINED
from tests.asked import refused
from tests.cli.running import frame
from tests.hostile.sizes import number
from tests.labelled import light_detector, two_styles
from tests.paths import ROOT

TEXTS, LABELS = two_styles(120)


@pytest.fixture(scope="module")
def detector():
    return light_detector(fpr=0.1).fit(TEXTS, LABELS)


@pytest.fixture
def saved(detector, tmp_path):
    return detector.save_pretrained(tmp_path / "stranger")


def forge(folder, name, content):
    """Write a file, and its hash into config.json, as somebody would who means harm."""
    (folder / name).write_bytes(content)
    config = json.loads((folder / "config.json").read_text())
    config["sha256"][name] = hashlib.sha256(content).hexdigest()
    (folder / "config.json").write_text(json.dumps(config))


def changed_json(folder, name, change):
    values = json.loads((folder / name).read_text())
    change(values)
    content = json.dumps(values).encode()
    if name == "config.json":
        (folder / name).write_bytes(content)
    else:
        forge(folder, name, content)


def changed_arrays(folder, name, array):
    arrays = safetensors.numpy.load_file(folder / "learned.safetensors")
    assert name in arrays
    arrays[name] = array
    forge(folder, "learned.safetensors", safetensors.numpy.save(arrays))


def config(**values):
    return lambda folder: changed_json(folder, "config.json", lambda old: old.update(values))


def parameter(part, **values):
    return lambda folder: changed_json(folder, "config.json", lambda old: old[part].update(values))


def calibrator(**values):
    return lambda folder: changed_json(folder, "calibrator.json", lambda old: old.update(values))


def content(name, content):
    return lambda folder: forge(folder, name, content)


def array(name, values):
    return lambda folder: changed_arrays(folder, name, values)


DAMAGE = {
    "a cache": parameter("extractor", cache="/tmp/stranger"),
    "a device": parameter("extractor", device="cuda:7"),
    "worker processes": parameter("extractor", processes=4000),
    "a batch": parameter("extractor", batch_tokens=10**12),
    "a depth": parameter("extractor", depth=float("nan")),
    "a family unknown": parameter("extractor", families=["nothing"]),
    "families of no names": parameter("extractor", families=[[], {}]),
    "a parameter unknown": parameter("hyper_parameters", code="print(1)"),
    "a rate of NaN": parameter("hyper_parameters", fpr=float("nan")),
    "a rate of text": parameter("hyper_parameters", fpr="high"),
    "threads of text": parameter("hyper_parameters", n_jobs="all"),
    "a version of a list": config(format_version=[4]),
    "an old version without its values": config(format_version=2, typical={"a": []}),
    "a model of a list": config(model=["detector"]),
    "a language model of a number": config(language_model=7),
    "training of text": config(training="much"),
    "features of a number": config(features=3),
    "families of a list": config(families=["stylometry"]),
    "an extractor of a list": config(extractor=[]),
    "a slope of NaN": calibrator(slope=float("nan")),
    "a slope that falls": calibrator(slope=-1.0),
    "an intercept of infinity": calibrator(intercept=float("inf")),
    "scores of NaN": calibrator(human_scores=[float("nan")] * 5, human_lengths=[9] * 5),
    "scores above one": calibrator(generated_scores=[0.5, 7.0]),
    "scores that descend": calibrator(generated_scores=[0.5, 0.2]),
    "scores of text": calibrator(human_scores="many"),
    "lengths that lack": calibrator(human_lengths=[3]),
    "lengths below zero": calibrator(human_scores=[0.5], human_lengths=[-3]),
    "a calibrator of a list": content("calibrator.json", b"[]"),
    "a calibrator of nothing": content("calibrator.json", b""),
    "a calibrator nested deeply": content("calibrator.json", b"[" * 100_000),
    "metrics of a number": content("metrics.json", b"7"),
    "trees of nothing": content("classifier.ubj", b""),
    "trees of text": content("classifier.ubj", b"not trees at all"),
    "trees of a pickle": content("classifier.ubj", b"\x80\x04K\x01."),
    "arrays of nothing": content("learned.safetensors", b""),
    "arrays of text": content("learned.safetensors", b"not arrays at all"),
    "a median of NaN": array("human.medians", np.full(3, np.nan)),
    "too few medians": array("human.medians", np.zeros(2)),
    "outliers of another size": array("outliers.precision", np.eye(2, dtype=np.float32)),
    "a threshold of no value": array("outliers.threshold", np.zeros(0)),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_damage_is_one_sentence(here, saved, tmp_path, damage):
    frame().to_csv(tmp_path / "rows.csv", index=False)
    damage(saved)
    refused(here("predict", "rows.csv", f"--detector={saved}", "--output=out.csv"))
    assert not (tmp_path / "out.csv").exists()
    with pytest.raises(PerplexityDetectorError):
        TextDetector.from_pretrained(saved)


def test_settings_of_the_machine_are_named(saved):
    DAMAGE["a cache"](saved)
    with pytest.raises(ArtefactError, match="sets cache, which is for this machine to set"):
        TextDetector.from_pretrained(saved)


def test_a_strangers_threads_are_not_started(saved):
    parameter("hyper_parameters", n_jobs=100_000)(saved)
    loaded = TextDetector.from_pretrained(saved)
    assert loaded.n_jobs is None
    assert len(loaded.predict(TEXTS[:3])) == 3


# --- trees ----------------------------------------------------------------------------------


def with_numbers(content, name, marker, change):
    """The file with other numbers in the first array of that name."""
    start = content.index(name.encode() + b"[$" + marker + b"#L") + len(name) + 5
    count = int.from_bytes(content[start : start + 8], "big")
    kind = {b"l": ">i4", b"d": ">f4"}[marker]
    numbers = np.frombuffer(content, kind, count, start + 8).copy()
    change(numbers)
    return content[: start + 8] + numbers.tobytes() + content[start + 8 + numbers.nbytes :]


def put(index, value):
    def change(numbers):
        numbers[index] = value

    return change


@pytest.mark.parametrize(
    ("name", "marker", "change"),
    [
        ("left_children", b"l", put(0, 10**9)),
        ("left_children", b"l", put(0, -7)),
        ("left_children", b"l", put(1, 0)),  # back to the root, for ever
        ("left_children", b"l", put(0, 2)),  # two ways to one node
        ("right_children", b"l", put(0, -1)),
        ("parents", b"l", put(1, 5)),
        ("split_indices", b"l", put(0, 10**6)),
        ("split_indices", b"l", put(0, -1)),
        ("split_conditions", b"d", put(0, np.nan)),
        ("sum_hessian", b"d", put(0, 0)),
        ("base_weights", b"d", put(0, np.inf)),
    ],
)
def test_wrong_trees_are_refused(name, marker, change):
    content = (PRETRAINED / "fast" / "classifier.ubj").read_bytes()
    check_trees(content)
    with pytest.raises(ValueError, match="of the trees cannot be right"):
        check_trees(with_numbers(content, name, marker, change))


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"{}more",
        b"[" * 40,
        b"[$l#L\x7f\xff\xff\xff\xff\xff\xff\xff",  # longer than the file
        b"[#L\x7f\xff\xff\xff\xff\xff\xff\xff",
        b"[$l#L\xff\xff\xff\xff\xff\xff\xff\xff",  # less than nothing
        b"[$[#i\x01",
        b"{i\x01ai\x01i\x01ai\x02}",  # a key twice
        b"Si\x01\xff",
    ],
)
def test_wrong_binary_json_is_refused(content):
    with pytest.raises(ValueError):
        ubjson.from_bytes(content)


def test_binary_json_is_read_as_xgboost_reads_it(detector):
    content = bytes(detector.booster_.save_raw("ubj"))
    expected = json.loads(bytes(detector.booster_.save_raw("json")))

    def plain(value):
        if isinstance(value, dict):
            return {name: plain(one) for name, one in value.items()}
        if isinstance(value, np.ndarray):
            value = value.tolist()
        if isinstance(value, list):
            return [plain(one) for one in value]
        return pytest.approx(value, rel=1e-6) if isinstance(value, float) else value

    assert expected == plain(ubjson.from_bytes(content))


_FLIP = """
import random, sys, pathlib
import numpy as np
from perplexity_detector.detectors import trees
content = pathlib.Path(sys.argv[1], "classifier.ubj").read_bytes()
row = np.random.default_rng(0).normal(size=(2, trees.from_bytes(content, 1).num_features()))
draw, refused = random.Random(0), 0
for _ in range(int(sys.argv[2])):
    damaged = bytearray(content)
    for _ in range(draw.choice([1, 1, 2, 8])):
        damaged[draw.randrange(len(damaged))] = draw.randrange(256)
    if draw.random() < 0.2:
        del damaged[draw.randrange(len(damaged)):]
    try:
        booster = trees.from_bytes(bytes(damaged), 1)
        trees.margins(booster, row, 1)
        trees.contributions(booster, row, 1)
    except Exception:
        refused += 1
print(refused)
"""


def test_bytes_at_random_never_crash_xgboost(saved):
    done = subprocess.run(
        [sys.executable, "-c", _FLIP, saved, str(number(200, 20_000))],
        capture_output=True,
        text=True,
        timeout=number(120, 3_600),
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 50
