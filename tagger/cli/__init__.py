"""The command line: one thin file per subcommand, imported when it is asked for.

A subcommand `name` is the function `command` of `tagger/cli/name.py`; `COMMANDS` lists the names in the order of work.
The files import nothing heavy at their top, so that `--help` answers at once.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

from pseudoexp.cli.interruption import Stopped
from pseudoexp.errors import PseudoexpError

_STOPPED = 130
COMMANDS = ("train", "select", "prune", "distil", "invariant", "quantise", "export", "verify", "synthesise", "transfer",
            "robustness", "sweep", "baseline", "report")
"""Subcommands, in the order a user meets them."""


class LazyGroup(TyperGroup):
    """A group of subcommands that imports a subcommand's file when the name is looked up."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of the subcommands."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return the subcommand of this name, None if there is none."""
        if cmd_name not in COMMANDS:
            return None
        single = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode="rich",
                             context_settings={"help_option_names": ["-h", "--help"]})
        single.command(name=cmd_name)(import_module(f"{__name__}.{cmd_name}").command)
        return typer.main.get_command(single)


app = typer.Typer(cls=LazyGroup, name="tagger", no_args_is_help=True, add_completion=False,
                  pretty_exceptions_enable=False, rich_markup_mode="rich",
                  context_settings={"help_option_names": ["-h", "--help"]})


@app.callback()
def root() -> None:
    """Train the H->bb tagger on a pseudoexp file, make it as small as you ask, export it to firmware, report on it.

    Example: tagger train data.h5 --out runs/base && tagger report runs/* --out report.html
    """


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code: 0, 2 for a user's mistake, 1 for a failure, 130 for Ctrl-C.

    A mistake is reported in one line on stderr; `TAGGER_DEBUG=1` shows the traceback of any error instead.

    Parameters
    ----------
    arguments : list of str, optional
        The words after the program's name; those of the process by default.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    try:
        code = int(app(args=arguments, prog_name="tagger", standalone_mode=False) or 0)
        return code if code != _STOPPED else _complain("stopped by Ctrl-C; nothing was written", code)
    except Stopped as stopped:
        return _complain("stopped; nothing was written", stopped.exit_code)
    except KeyboardInterrupt:
        return _complain("stopped by Ctrl-C; nothing was written", _STOPPED)
    except (typer.Abort, EOFError):
        return _complain("aborted", 1)
    except Exception as error:
        if os.environ.get("TAGGER_DEBUG") == "1":
            raise
        return _explain(error)


def _explain(error: Exception) -> int:
    """Print one line on `error` and return the exit code that belongs to it."""
    if isinstance(error, PseudoexpError):
        return _complain(str(error), error.exit_code)
    if hasattr(error, "format_message"):  # the option parser's own complaints, whichever package defines them
        message = error.format_message()
        if type(error).__name__ == "NoArgsIsHelpError":
            sys.stderr.write(message + "\n")
            return 2
        return _complain(message, 2)
    return _complain(f"internal error: {type(error).__name__}: {error} (TAGGER_DEBUG=1 shows where)", 1)


def _complain(message: str, code: int) -> int:
    sys.stderr.write("error: " + " ".join(message.split()) + "\n")
    return code
