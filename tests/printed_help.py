"""What a command line prints as help, held against the texts that it is printed from."""

import re
from collections.abc import Callable, Iterator

import typer


def lost_words(app: typer.Typer, shown: Callable[[list[str]], str]) -> dict[str, list[str]]:
    """Words in brackets that the help of a command or of one of its options has, and its page does not.

    Help is rich markup: a bracket that is to be seen is escaped, or the word in it is read as a style.
    """
    lost = {}
    for names, command in _commands(typer.main.get_command(app), []):
        page = shown([*names, "--help"])
        given = [command.help, command.epilog, *(getattr(option, "help", None) for option in command.params)]
        words = [word for text in given if text for word in re.findall(r"\[+[^\[\]]+\]+", text.replace("\\[", "["))]
        if missing := [word for word in words if word not in page]:
            lost[" ".join(names)] = missing
    return lost


def _commands(command: typer.core.TyperCommand, names: list[str]) -> Iterator[tuple[list[str], typer.core.TyperCommand]]:
    yield names, command
    for name in command.list_commands(None) if hasattr(command, "list_commands") else []:
        yield from _commands(command.get_command(None, name), [*names, name])
