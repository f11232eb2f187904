"""How a command line runs and ends: an error that a user can mend is one sentence, never more."""

from __future__ import annotations

import io
import sys

from perplexity_detector.errors import PerplexityDetectorError
from perplexity_detector.logs import LOG_FILE, configure, get_logger


def run(commands: object, name: str) -> None:
    """Run the command that the shell's arguments name.

    Args:
        commands: whose public methods are the commands.
        name: what the help calls the program.

    Raises:
        SystemExit: 2 for what the user can mend, 130 if stopped, 141 if nobody reads the output,
            1 for an error of ours.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):  # an id can hold what a terminal cannot show
        sys.stdout.reconfigure(errors="backslashreplace")
    configure(None)  # sentences reach the terminal from now on; a command opens the log
    try:
        import fire

        fire.Fire(commands, _fire_argv(sys.argv[1:]), name=name)
    except PerplexityDetectorError as error:
        _exit_with(error.worded(lambda name: f"--{name}"), 2)
    except KeyboardInterrupt:
        _exit_with("Stopped; earlier results are as they were.", 130)
    except BrokenPipeError:
        sys.stderr.close()  # whoever read our output has gone: nothing is left to say
        sys.exit(141)
    except Exception as error:
        _exit_with(
            f"Something went wrong that should not ({type(error).__name__}); "
            f"the details are in data/{LOG_FILE}.",
            1,
        )


def _fire_argv(arguments: list[str]) -> list[str]:
    """The arguments as Fire is to read them."""
    if {"-h", "--help"} & set(arguments):  # wherever it stands, nothing is run
        command = [word for word in arguments[:1] if not word.startswith("-")]
        arguments = [*command, "--", "--help"]
    elif "--" not in arguments:
        arguments = [*arguments, "--"]
    # a lone hyphen, which parts commands for Fire, is standard input or output for us
    return [*arguments, "--separator= "]


def _exit_with(sentence: str, code: int) -> None:
    get_logger().error(sentence, exc_info=code != 130)
    sys.exit(code)
