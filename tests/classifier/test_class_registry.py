"""Which class an artefact is loaded as: the package's own, a user's, and by older import paths."""

import subprocess
import sys

import pytest

from perplexity_detector.classifier import class_registry
from perplexity_detector.classifier.base import CalibratedClassifier
from perplexity_detector.detectors.registry import CLASSES
from perplexity_detector.detectors.text_detector import TextDetector
from perplexity_detector.errors import ArtefactError
from tests.labelled import light_detector, two_styles
from tests.paths import ROOT


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved") / "model"
    return light_detector(n_estimators=3).fit(*two_styles(60)).save_pretrained(folder)


def test_every_detector_of_the_package_is_registered():
    assert {name: class_registry.find(name) for name in CLASSES} == CLASSES
    assert class_registry.find("telepathy") is None


def test_a_base_class_loads_what_was_saved(saved):
    assert type(CalibratedClassifier.from_pretrained(saved)) is TextDetector
    with pytest.raises(ArtefactError, match="holds the model detector; load it with TextDetector"):
        CLASSES["tfidf"].from_pretrained(saved)


def test_a_class_of_the_users_own_is_found_by_its_name(tmp_path):
    class Stricter(TextDetector):
        name = "stricter"

    fitted = Stricter(light_detector().extractor, n_estimators=3, n_jobs=1).fit(*two_styles(60))
    folder = fitted.save_pretrained(tmp_path / "model")
    assert type(CalibratedClassifier.from_pretrained(folder)) is Stricter


@pytest.mark.parametrize(
    "imported",
    [
        "from perplexity_detector.classifier import CalibratedClassifier as Loader",
        "from perplexity_detector.detector import TextDetector as Loader",
        "from perplexity_detector import TextDetector as Loader",
    ],
)
def test_import_paths_of_earlier_mlflow_models_still_load(imported, saved, tmp_path):
    script = f"{imported}\nprint(type(Loader.from_pretrained({str(saved)!r})).__name__)"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.split() == ["TextDetector"]
