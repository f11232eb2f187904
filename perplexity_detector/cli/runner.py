"""Run a command: an error that a user can cause ends as one sentence on the terminal."""

from __future__ import annotations

import io
import os
import sys

from perplexity_detector.errors import Call, PerplexityDetectorError
from perplexity_detector.lm.allocator import use_one_arena
from perplexity_detector.logs import LOG_FILE, configure, get_logger
from perplexity_detector.version import __version__


def run(commands: object, name: str) -> None:
    """Run the command that the shell's arguments name.

    Args:
        commands: an object whose public methods are the commands.
        name: the program's name in its help.

    Raises:
        SystemExit: 2 for an error of the user, 130 if interrupted, 141 if the reader of the
            output has gone, 1 for any other error.
    """
    if sys.stderr is None:  # closed by who started this program, and progress bars need one
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115, PTH123
    if isinstance(sys.stdout, io.TextIOWrapper):  # an id can hold what a terminal cannot show
        sys.stdout.reconfigure(errors="backslashreplace")
    if sys.argv[1:] == ["--version"]:
        print(f"{name} {__version__}")
        return
    use_one_arena()
    configure(None)  # errors reach the terminal from now on; a command opens the log
    try:
        import fire

        fire.Fire(commands, _fire_argv(sys.argv[1:]), name=name)
    except PerplexityDetectorError as error:
        _exit_with(error.worded(_as_option, lambda call: f"{name} {_as_command(call)}"), 2)
    except KeyboardInterrupt:
        _exit_with("Stopped; earlier results are as they were.", 130)
    except BrokenPipeError:
        sys.stderr.close()  # so that Python does not report it at exit
        sys.exit(141)
    except Exception as error:
        _exit_with(
            f"Something went wrong that should not ({type(error).__name__}); "
            f"the details are in data/{LOG_FILE}.",
            1,
        )


def _fire_argv(arguments: list[str]) -> list[str]:
    """Adapt the shell's arguments to Fire."""
    if {"-h", "--help"} & set(arguments):  # in any place: show the help and run nothing
        command = [word for word in arguments[:1] if not word.startswith("-")]
        arguments = [*command, "--", "--help"]
    elif "--" not in arguments:
        arguments = [*arguments, "--"]
    # a lone hyphen means standard input or output here, and separates commands in Fire
    return [*arguments, "--separator= "]


def _as_option(parameter: str) -> str:
    # `from` cannot be a parameter's name in Python
    return "--from" if parameter == "source" else f"--{parameter}"


def _as_command(call: Call) -> str:
    """Write a call of a function as the command of the same name."""
    options = [f"{_as_option(name)}={value}" for name, value in call.named.items()]
    return " ".join([call.function.rpartition(".")[2], *call.arguments, *options])


def _exit_with(sentence: str, code: int) -> None:
    get_logger().error(sentence, exc_info=code != 130)
    sys.exit(code)
