"""The command line: one file per subcommand, one place where errors become one line and an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence

import typer

from pseudoexp import __version__
from pseudoexp.cli import (
    benchmark,
    calibrate,
    cards,
    convert,
    events,
    explore,
    generate,
    info,
    merge,
    rate,
    replay,
    shift,
    toys,
    validate,
    verify,
)
from pseudoexp.errors import Interrupted, PseudoexpError

DEBUG = "PSEUDOEXP_DEBUG"
MOST_TEXT = 4000
_STOPPED, _STOPPED_CODE = "interrupted", 130

app = typer.Typer(name="pseudoexp", no_args_is_help=True, add_completion=False, rich_markup_mode="rich",
                  pretty_exceptions_enable=False, context_settings={"help_option_names": ["-h", "--help"]},
                  help="Benchmark datasets for boosted H->bb tagging: generate, look at, check.")
app.command(name="generate", epilog=generate.EXAMPLES)(generate.generate)
app.command(name="merge", epilog=merge.EXAMPLES)(merge.merge)
app.command(name="events", epilog=events.EXAMPLES)(events.events)
app.command(name="shift", epilog=shift.EXAMPLES)(shift.shift)
app.command(name="convert", epilog=convert.EXAMPLES)(convert.convert)
app.command(name="explore", epilog=explore.EXAMPLES)(explore.explore)
app.command(name="info")(info.info)
app.command(name="verify", epilog=verify.EXAMPLES)(verify.verify)
app.add_typer(cards.app, name="cards")
app.add_typer(benchmark.app, name="benchmark")
app.command(name="calibrate")(calibrate.calibrate)
app.command(name="replay", epilog=replay.EXAMPLES)(replay.replay)
app.command(name="toys", epilog=toys.EXAMPLES)(toys.toys)
app.command(name="rate", epilog=rate.EXAMPLES)(rate.rate)
app.command(name="validate", epilog=validate.EXAMPLES)(validate.validate)


@app.callback(invoke_without_command=True)
def _options(version: bool = typer.Option(False, "--version", help="Print the version.")) -> None:
    if version:
        typer.echo(__version__)
        raise typer.Exit


def run(program: Callable[..., object], arguments: Sequence[str] | None = None) -> int:
    """Run a typer program; return its exit code.

    A user's mistake is one line and 2, a failure one line and 1; nobody sees a traceback unless
    ``PSEUDOEXP_DEBUG=1`` asks for it.
    """
    try:
        code = program(args=arguments, standalone_mode=False)
    except Interrupted as error:
        return _complain(str(error), error.exit_code, "")
    except PseudoexpError as error:
        if os.environ.get(DEBUG):
            raise
        return _complain(str(error), error.exit_code)
    except Exception as error:
        if type(error).__name__ == "Abort":  # what older versions of typer make of Ctrl-C
            return _complain(_STOPPED, _STOPPED_CODE, "")
        if hasattr(error, "format_message"):  # a usage error; its class depends on typer's version
            message = error.format_message()  # empty when the help was shown instead
            return _complain(message, 2) if message else 2
        if os.environ.get(DEBUG):
            raise
        return _complain(f"{type(error).__name__}: {error} ({DEBUG}=1 shows where)", 1)
    if code == _STOPPED_CODE:  # and newer ones
        return _complain(_STOPPED, code, "")
    return code if isinstance(code, int) else 0


def _complain(message: str, code: int, prefix: str = "error: ") -> int:
    line = "".join(c if c.isprintable() else "?" for c in " ".join(message.split()))  # files' names and texts are others'
    sys.stderr.write(prefix + (line if len(line) <= MOST_TEXT else f"{line[:MOST_TEXT]} ...") + "\n")
    return code


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit."""
    sys.exit(run(app, arguments))
