import pandas as pd
import pytest

from benchmarks.quality.training_texts import permitted

SOURCES = pd.DataFrame(
    {
        "file": ["corpus", "corpus", "people"],
        "source": ["alpha", "beta", "alpha"],
        "licence": ["MIT", "CC BY-NC 4.0", "none"],
        "learn_from": ["yes", "no", "no"],
    }
)


def test_sources_that_forbid_it_are_not_learned_from():
    corpus = pd.DataFrame({"text": ["a", "b", "c"], "source": ["alpha", "beta", "alpha"]})
    kept = permitted(corpus, SOURCES, "corpus")
    assert kept["text"].tolist() == ["a", "c"]
    assert kept["licence"].tolist() == ["MIT", "MIT"]


def test_a_source_that_is_not_listed_is_refused():
    corpus = pd.DataFrame({"text": ["a"], "source": ["gamma"]})
    with pytest.raises(ValueError, match="gamma"):
        permitted(corpus, SOURCES, "corpus")
