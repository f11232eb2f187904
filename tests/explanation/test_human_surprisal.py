"""The range of surprisal in human texts that the shipped detector has."""

import numpy as np

from perplexity_detector.explanation.human_surprisal import QUANTILES, reference_range


def test_a_folder_of_the_same_name_is_not_the_shipped_detector(tmp_path, monkeypatch):
    expected, quantiles = reference_range()
    assert quantiles is not None
    assert len(quantiles) == len(QUANTILES)
    assert (np.diff(quantiles) > 0).all()
    (tmp_path / "standard").mkdir()
    (tmp_path / "standard" / "config.json").write_text("{}")
    monkeypatch.chdir(tmp_path)
    reference_range.cache_clear()
    assert reference_range()[0] == expected
