"""Outcomes of commands: the sentence of an error, and the log."""

from perplexity_detector.logs import LOG_FILE


def refused(outcome):
    """The sentence of a command that failed by an error of the user, and nothing else."""
    code, out, err = outcome
    assert code == 2
    assert out == ""
    assert "Traceback" not in err
    (sentence,) = err.splitlines()
    assert sentence[-1] in ".?"
    return sentence


def log_of(folder):
    return (folder / "data" / LOG_FILE).read_text(encoding="utf-8")
