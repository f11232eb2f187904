import pytest

from tests.cli.running import MODEL, frame, run
from tests.labelled import SAMPLE, light_detector, two_styles


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """A folder with a detector trained on the sample, and the finished command."""
    folder = tmp_path_factory.mktemp("trained")
    done = run(
        MODEL, "train", SAMPLE, "--families=stylometry,compression", "--track=False", cwd=folder
    )
    assert done.returncode == 0, done.stderr
    return folder, done


@pytest.fixture(scope="session")
def detector(tmp_path_factory):
    """A detector of enough texts to call some generated, one in ten wrongly."""
    fitted = light_detector(fpr=0.1).fit(*two_styles(160))
    return fitted.save_pretrained(tmp_path_factory.mktemp("detector") / "model")


@pytest.fixture
def rows(tmp_path):
    """A csv of six texts, ids and labels."""
    path = tmp_path / "rows.csv"
    frame().to_csv(path, index=False)
    return path
