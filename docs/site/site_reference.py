"""The page of all commands and their options, from the command lines themselves."""

from __future__ import annotations

import re
from typing import Any

import typer

from pseudoexp.cli.app import app as pseudoexp_app
from tagger.cli import app as tagger_app

INTRODUCTION = """\
`python -m pseudoexp ...` and `python -m tagger ...`; `--help` behind any command says the same. A mistake is one line on stderr
and exit code 2, a failure exit code 1, Ctrl-C 130."""
PROGRAMS = {"pseudoexp": pseudoexp_app, "tagger": tagger_app}
"""Command lines by the name of their module."""


def program(name: str) -> Any:
    """Return the command line `python -m name`."""
    return typer.main.get_command(PROGRAMS[name])


def leaves(command: Any, name: str) -> list[tuple[str, Any]]:
    """Return all commands below a group, with their full names."""
    if not hasattr(command, "list_commands"):
        return [(name, command)]
    context = command.context_class(command, info_name=name)
    return [leaf for word in command.list_commands(context)
            for leaf in leaves(command.get_command(context, word), f"{name} {word}")]


def page() -> str:
    """Return the page as Markdown."""
    parts = ["# Command line", INTRODUCTION]
    for name in PROGRAMS:
        for full, command in leaves(program(name), name):
            parts += [f"## {full}", _text(command.help or ""), _table(command)]
    return "\n\n".join(parts) + "\n"


def _table(command: Any) -> str:
    lines = ["| | default | |", "|---|---|---|"]
    for parameter in command.params:
        if "--help" in parameter.opts:
            continue
        option = parameter.param_type_name == "option"
        name = ", ".join(f"`{word}`" for word in [*parameter.opts, *parameter.secondary_opts]) if option \
            else f"`{parameter.name.upper()}`"
        default = parameter.default
        shown = "required" if parameter.required else f"`{default}`" if isinstance(default, (str, int, float)) \
            and not isinstance(default, bool) and default != "" else ""
        lines.append(f"| {name} | {shown} | {_text(getattr(parameter, 'help', '') or '').replace('|', '/')} |")
    return "\n".join(lines)


def _text(text: str) -> str:
    plain = re.sub(r"\[/?(?:bold|dim|green|red|yellow|cyan|italic)\]", "", " ".join(text.split()))
    return plain.replace("<", "&lt;").replace("*", "\\*").replace("_", "\\_")
