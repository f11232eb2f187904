import json

import pytest

from benchmarks.quality.regression_gate import SLACK, check


def test_a_missing_floor_is_an_error(tmp_path):
    with pytest.raises(SystemExit, match=r"There is no floor\.json"):
        check({"auroc": 1.0}, file=tmp_path / "floor.json")


def test_the_floor_only_goes_up(tmp_path, capsys):
    file = tmp_path / "floor.json"
    check({"auroc": 0.9}, raise_floor=True, file=file)
    assert json.loads(file.read_text()) == {"auroc": pytest.approx(0.9 - SLACK)}
    check({"auroc": 0.89}, raise_floor=True, file=file)  # above the floor, and does not lower it
    assert json.loads(file.read_text()) == {"auroc": pytest.approx(0.9 - SLACK)}
    check({"auroc": 0.95}, raise_floor=True, file=file)
    assert json.loads(file.read_text()) == {"auroc": pytest.approx(0.95 - SLACK)}
    assert "BELOW" not in capsys.readouterr().out


@pytest.mark.parametrize("measured", [{"auroc": 0.79}, {"auroc": float("nan")}, {"other": 1.0}])
def test_a_value_below_the_floor_is_an_error(measured, tmp_path, capsys):
    file = tmp_path / "floor.json"
    file.write_text('{"auroc": 0.8}')
    with pytest.raises(SystemExit, match="1"):
        check(measured, file=file)
    assert file.read_text() == '{"auroc": 0.8}'
    check({"auroc": 0.8}, file=file)
    assert "0.800" in capsys.readouterr().out
