import io
import logging
import re
import subprocess
import sys
import threading
from logging.handlers import RotatingFileHandler

import pytest

from perplexity_detector import logs
from perplexity_detector.logs import LOG_FILE, configure, get_logger, timed


@pytest.fixture(autouse=True)
def _logging_as_it_was():
    yield
    logs._detach()
    get_logger().propagate = True
    get_logger().setLevel(logging.NOTSET)
    logging.getLogger("py.warnings").propagate = True
    logging.captureWarnings(False)


@pytest.fixture
def log(tmp_path):
    configure(tmp_path)
    return lambda: (tmp_path / LOG_FILE).read_text(encoding="utf-8")


def run(code, *arguments):
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=True,
    )


def fail_with(words, sentence):
    try:
        {}[words]
    except KeyError:
        get_logger().exception(sentence)


def test_a_line_has_time_process_level_and_message(log):
    get_logger().info("read %d rows of %s", 5, "é.csv")
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d \d+ INFO read 5 rows of é\.csv\n",
        log(),
    )


def test_the_terminal_gets_sentences_and_the_file_tracebacks(log, capsys):
    get_logger().info("only in the file")
    get_logger().warning("3 rows have no text.")
    fail_with("inner words", "The file cannot be read.")
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err == "3 rows have no text.\nThe file cannot be read.\n"
    assert "only in the file" in log()
    assert "Traceback (most recent call last)" in log()
    assert "test_logs.py" in log()
    assert "KeyError: 'inner words'" in log()


def test_verbose_shows_every_message(tmp_path, capsys):
    configure(tmp_path, verbose=True)
    get_logger().info("scoring: started")
    assert capsys.readouterr().err == "scoring: started\n"


def test_configuring_again_writes_a_message_once(tmp_path, capsys):
    threads = [threading.Thread(target=configure, args=(tmp_path / "a",)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    configure(tmp_path / "b")
    get_logger().error("Once.")
    assert (tmp_path / "b" / LOG_FILE).read_text().count("Once.") == 1
    assert "Once." not in (tmp_path / "a" / LOG_FILE).read_text()
    assert capsys.readouterr().err == "Once.\n"


def test_the_file_rotates(tmp_path, monkeypatch):
    configure(tmp_path)
    (handler,) = [h for h in get_logger().handlers if isinstance(h, RotatingFileHandler)]
    assert (handler.maxBytes, handler.backupCount, handler.delay) == (5_000_000, 5, True)
    assert handler.encoding == "utf-8"
    monkeypatch.setattr(logs, "MAX_BYTES", 1000)
    configure(tmp_path)
    for number in range(100):
        get_logger().info("message %d", number)
    kept = sorted(path.name for path in tmp_path.iterdir())
    assert kept == [LOG_FILE, *(f"{LOG_FILE}.{i}" for i in range(1, 6))]
    assert all(path.stat().st_size <= 1000 for path in tmp_path.iterdir())


def test_long_messages_and_exceptions_are_cut(log, capsys):
    essay = "secret " * 1000
    get_logger().warning("Odd: %s", essay)
    assert len(log()) < 2100
    assert len(capsys.readouterr().err) < 2100
    fail_with(essay, "Failed.")
    assert len(log()) < 4000
    assert log().count("(cut)") == 2


def test_python_warnings_go_to_the_file_only(tmp_path):
    done = run(
        "import sys, pathlib, warnings\n"
        "from perplexity_detector.logs import configure\n"
        "configure(pathlib.Path(sys.argv[1]))\n"
        "warnings.warn('old function')\n",
        tmp_path,
    )
    assert (done.stdout, done.stderr) == ("", "")
    assert "UserWarning: old function" in (tmp_path / LOG_FILE).read_text()


def test_a_folder_that_cannot_be_written_costs_a_sentence(tmp_path, capsys):
    blocked = tmp_path / "file"
    blocked.touch()
    configure(blocked / "data")
    sentence = capsys.readouterr().err
    assert sentence.startswith("No log is kept: ")
    assert sentence.count("\n") == 1
    get_logger().error("Still said.")
    assert capsys.readouterr().err == "Still said.\n"


def test_a_log_that_fails_later_costs_a_sentence(tmp_path, capsys):
    configure(tmp_path / "data")
    (tmp_path / "data" / LOG_FILE).unlink()
    (tmp_path / "data" / LOG_FILE).mkdir()
    get_logger().info("lost")
    get_logger().info("lost too")
    sentence = capsys.readouterr().err
    assert sentence.startswith("The log ends here: ")
    assert sentence.count("\n") == 1


def test_no_folder_no_file(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    configure(None)
    get_logger().error("Said.")
    assert capsys.readouterr().err == "Said.\n"
    assert list(tmp_path.iterdir()) == []


def test_a_closed_terminal_does_not_stop_the_work(tmp_path, monkeypatch):
    configure(tmp_path)
    closed = io.StringIO()
    closed.close()
    for terminal in (closed, None):
        monkeypatch.setattr(sys, "stderr", terminal)
        get_logger().warning("Unheard.")
    assert (tmp_path / LOG_FILE).read_text().count("Unheard.") == 2


def test_sentences_stand_above_a_progress_bar(tmp_path):
    done = run(
        "import sys, pathlib\n"
        "from tqdm import tqdm\n"
        "from perplexity_detector.logs import configure, get_logger\n"
        "configure(pathlib.Path(sys.argv[1]))\n"
        "for _ in tqdm(range(2), mininterval=0): get_logger().warning('A sentence.')\n",
        tmp_path,
    )
    assert done.stdout == ""
    # each on a line of its own, although the bar does not end its line
    assert done.stderr.splitlines().count("A sentence.") == 2
    assert "2/2" in done.stderr


def test_a_library_is_silent_and_light():
    done = run(
        "import sys\n"
        "from perplexity_detector.logs import get_logger\n"
        "get_logger().error('Unasked.')\n"
        "print(sorted({'torch', 'pandas', 'numpy', 'tqdm'} & set(sys.modules)))"
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_timed(log):
    with timed(get_logger(), "reading", path="a.csv") as counts:
        counts["rows"] = 12
    with pytest.raises(KeyError), timed(get_logger(), "scoring"):
        raise KeyError
    messages = [line.split(" INFO ")[1] for line in log().splitlines()]
    assert messages[0] == "reading: started, path=a.csv"
    assert re.fullmatch(r"reading: finished after \d+\.\d{3} s, path=a\.csv, rows=12", messages[1])
    assert messages[2] == "scoring: started"
    assert re.fullmatch(r"scoring: stopped by KeyError after \d+\.\d{3} s", messages[3])
