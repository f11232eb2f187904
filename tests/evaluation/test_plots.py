import io
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("matplotlib")

from matplotlib.patches import Polygon, Rectangle

from perplexity_detector.evaluation import plots

RISING = pd.DataFrame(
    {
        "split": "test",
        "source": "",
        "generated": [0, 0, 1, 1],
        "probability": [0.1, 0.4, 0.35, 0.8],
    }
)


def curves(axes):
    """Lines that have a label: what stands for a split."""
    return {
        line.get_label().partition(",")[0]: np.transpose(line.get_data())
        for line in axes.lines
        if not line.get_label().startswith("_")
    }


def test_roc_of_four_texts():
    full, rare = plots.roc_plot(RISING).axes
    steps = np.array([[0, 0], [0, 0.5], [0.5, 0.5], [0.5, 1], [1, 1]])
    np.testing.assert_allclose(curves(full)["test"], steps)
    assert [text.get_text() for text in full.get_legend().get_texts()] == ["test, AUROC 0.750"]
    # the same rates, but for 0, which a logarithmic axis does not have
    rates = np.asarray(rare.lines[-1].get_ydata(), float)
    assert rates.tolist() == pytest.approx([0, 0.5, 0.5, 1, 1])
    assert rare.get_xscale() == "log"
    assert rare.lines[-1].get_xdata().min() > 0


def test_splits_in_order_and_those_of_one_class_left_out():
    people = RISING[RISING["generated"] == 0]
    whole = pd.concat([RISING, RISING.assign(split="out-of-fold")])
    assert list(curves(plots.roc_plot(whole).axes[0])) == ["out-of-fold", "test"]
    predictions = pd.concat([RISING, people.assign(split="out-of-fold")])
    assert list(curves(plots.roc_plot(predictions).axes[0])) == ["test"]
    assert list(curves(plots.calibration_plot(predictions).axes[0])) == ["test"]
    panels = plots.score_histogram(predictions).axes
    assert [axes.get_title("left") for axes in panels] == ["out-of-fold", "test"]
    assert [len(axes.patches) for axes in panels] == [1, 2]


def test_calibration_lets_classes_weigh_alike():
    # 5 people and 15 models' texts share a probability: half and half if classes weigh alike
    predictions = pd.DataFrame(
        {
            "split": "test",
            "generated": [0] * 5 + [1] * 15 + [0] * 5 + [1] * 5,
            "probability": [0.25] * 20 + [0.75] * 10,
        }
    )
    # weights: 1 / 10 for people, 1 / 20 for models
    low, high = 15 / 20 / (5 / 10 + 15 / 20), 5 / 20 / (5 / 10 + 5 / 20)
    points = curves(plots.calibration_plot(predictions).axes[0])["test"]
    np.testing.assert_allclose(points, [[0.25, low], [0.75, high]])


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.sampled_from([0.0, 0.2, 0.2001, 0.9, 1.0]), min_size=2, max_size=60),
    st.randoms(use_true_random=False),
)
def test_calibration_does_not_depend_on_the_order_of_rows(probabilities, random):
    predictions = pd.DataFrame({"split": "out-of-fold", "probability": probabilities})
    predictions["generated"] = [0, 1] + [random.randint(0, 1) for _ in probabilities[2:]]
    order = random.sample(range(len(probabilities)), len(probabilities))
    points = curves(plots.calibration_plot(predictions).axes[0])["out-of-fold"]
    shuffled = curves(plots.calibration_plot(predictions.iloc[order]).axes[0])["out-of-fold"]
    np.testing.assert_allclose(points, shuffled)
    assert (np.diff(points[:, 0]) > 0).all()
    assert ((points >= 0) & (points <= 1)).all()


def test_histogram_heights_are_shares_of_a_class():
    predictions = pd.DataFrame(
        {"split": "test", "generated": [0, 0, 0, 1], "probability": [0.01, 0.01, 0.99, 1.0]}
    )
    (axes,) = plots.score_histogram(predictions).axes
    outlines = [patch.get_xy() for patch in axes.patches if isinstance(patch, Polygon)]
    people, models = (np.asarray(outline)[:, 1].max() for outline in outlines)
    assert people == pytest.approx(2 / 3)
    assert models == pytest.approx(1)
    assert [text.get_text() for text in axes.get_legend().get_texts()] == [
        "human, 3 texts",
        "generated, 1 texts",
    ]


def test_importance_as_shares_of_the_total():
    gains = {"rank_lrr": 30.0, "entropy_mean": 60.0, "stylometry_commas": 10.0}
    (axes,) = plots.importance_plot(gains, max_features=2).axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["rank_lrr", "entropy_mean"]
    widths = [bar.get_width() for bar in axes.patches if isinstance(bar, Rectangle)]
    assert widths == pytest.approx([0.3, 0.6])
    assert {text.get_text() for text in axes.texts} == {"30.0%", "60.0%"}
    assert axes.get_title("left").startswith("2 of the 3 features used")
    (empty,) = plots.importance_plot({}).axes
    assert empty.get_title("left") == "no feature was used"


@pytest.mark.parametrize(
    "predictions",
    [RISING, RISING[:1], RISING[:0], RISING.assign(probability=0.5)],
    ids=["four texts", "one text", "no text", "one probability"],
)
def test_every_picture_can_be_drawn(predictions):
    figures = [
        plots.roc_plot(predictions),
        plots.calibration_plot(predictions),
        plots.score_histogram(predictions),
        plots.importance_plot({f"rank_{place}": float(place) for place in range(len(predictions))}),
    ]
    for figure in figures:
        picture = io.BytesIO()
        figure.savefig(picture, format="png")
        assert picture.getvalue().startswith(b"\x89PNG")


def test_pyplot_and_its_global_state_are_left_alone():
    script = (
        "import sys; from perplexity_detector.evaluation import plots;"
        "plots.importance_plot({'a_b': 1.0});"
        "sys.exit('matplotlib.pyplot' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
