"""The command line and the functions have the same options with the same defaults, so that both make the same rows."""

import inspect
from pathlib import Path
from typing import get_type_hints

import pytest
from typer.models import OptionInfo

import pseudoexp
from pseudoexp.cli import convert, events, explore, generate, merge, rate, replay, shift, toys, validate, verify
from pseudoexp.cli.app import app

PRINTING = {"quiet", "as_json", "force"}
"""What the command line does with what a function returns."""
ONLY = {
    "generate": set(), "merge": set(), "events": set(), "shift": set(), "convert": set(), "toys": set(),
    "verify": {"release"}, "explore": {"event", "no_events"}, "rate": {"plot", "efficiency"},
    "replay": {"stage", "rows", "plot"}, "validate": {"out"}}
"""Options of a command that its function has under another name or does not have."""


COMMANDS = (generate.generate, merge.merge, events.events, shift.shift, convert.convert, explore.explore, verify.verify,
            replay.replay, toys.toys, rate.rate, validate.validate)


def options_of(command):
    """Return name -> default of a command's options, without what it takes as arguments."""
    hints = get_type_hints(command, include_extras=True)
    return {name: p.default for name, p in inspect.signature(command).parameters.items()
            if isinstance(hints[name].__metadata__[0], OptionInfo)}


def value(default):
    """Return a default as what it means: nothing, a number, or a text."""
    if default in ("", inspect.Parameter.empty):
        return None
    try:
        return float(default)
    except (TypeError, ValueError):
        return str(default) if isinstance(default, Path) else default


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.__name__)
def test_defaults_are_those_of_the_function(command):
    options, function = options_of(command), inspect.signature(getattr(pseudoexp, command.__name__)).parameters
    assert set(options) - set(function) - PRINTING == ONLY[command.__name__]
    for name in set(options) & set(function):
        said, meant = options[name], function[name].default
        assert value(said) == value(meant), f"--{name} is {said!r} without it, {name} {meant!r} in Python"


def test_every_command_with_a_function_is_looked_at():
    names = {command.name for command in app.registered_commands} & set(pseudoexp.__all__)
    assert names - {"info"} == {command.__name__ for command in COMMANDS} == set(ONLY)
