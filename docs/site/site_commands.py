"""The shell commands of the pages: where they stand, what tests do with them."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import site_pages

RULES = Path(__file__).with_name("site_commands.toml")
SHELLS = ("console", "bash", "sh")
BUILTINS = ("set", "source", "cd")
"""What a shell does itself; no command of interest."""
QUICK, SLOW, PARSED = "quick", "slow", "parsed"
_FENCE = re.compile(r"^```([a-z]*)[^\n]*\n(.*?)^```[^\n]*$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"(?<!`)`(python -m (?:pseudoexp|tagger)\b[^`]*)`(?!`)")


@dataclass(frozen=True)
class Block:
    """A block of code of a page."""

    source: str
    line: int
    language: str
    text: str


@dataclass(frozen=True)
class Command:
    """A command of a page, as its words."""

    source: str
    line: int
    words: tuple[str, ...]

    @property
    def text(self) -> str:
        """The command as it would be typed."""
        return shlex.join(self.words)

    def __str__(self) -> str:
        return f"{self.source}:{self.line}: {self.text}"


def blocks(source: str, text: str | None = None) -> list[Block]:
    """Return the blocks of code of a page."""
    text = site_pages.read(source) if text is None else text
    return [Block(source, text[:match.start()].count("\n") + 2, match[1], match[2]) for match in _FENCE.finditer(text)]


def commands(source: str) -> list[Command]:
    """Return the commands of a page's shell blocks, in order."""
    return [command for block in blocks(source) if block.language in SHELLS for command in in_block(block)]


def in_block(block: Block) -> Iterator[Command]:
    """Yield the commands of a block: continued lines are one, `&&` and `;` separate, comments are none."""
    pending = ""
    for number, line in enumerate(block.text.splitlines(), block.line):
        pending += line.removesuffix("\\")
        if line.endswith("\\"):
            continue
        lexer = shlex.shlex(pending, posix=True, punctuation_chars=";&|")
        lexer.whitespace_split = True
        words: list[str] = []
        for word in [*lexer, ";"]:
            if word not in (";", "&&"):
                words.append(word)
                continue
            if words and words[0] not in BUILTINS:
                yield Command(block.source, number, tuple(words))
            words = []
        pending = ""


def inline(source: str) -> list[Command]:
    """Return what stands within sentences as code and begins like a command of ours; it may be incomplete."""
    text = site_pages.read(source)
    text = _FENCE.sub(lambda match: "\n" * match[0].count("\n"), text)
    return [Command(source, text[:match.start()].count("\n") + 1, tuple(shlex.split(match[1])))
            for match in _INLINE.finditer(text)]


@lru_cache(maxsize=1)
def rules() -> dict:
    """Return what `site_commands.toml` says."""
    return tomllib.loads(RULES.read_text(encoding="utf-8"))


def exception(command: Command) -> dict | None:
    """Return the rule by which a command is not run by the quick tests, if there is one."""
    return next((rule for rule in rules()["exception"] if fits(rule, command)), None)


def how(command: Command) -> str:
    """Return whether the quick tests run a command, only the slow ones, or none."""
    found = exception(command)
    return found["tests"] if found else QUICK


def smaller(command: Command) -> tuple[str, ...]:
    """Return a command's words in the form in which tests run it: no number above its limit, a few epochs."""
    words = list(command.words)
    for rule in rules()["smaller"]:
        if not fits(rule, command):
            continue
        for option, limit in rule.items():
            if option in words and _number(words[at := words.index(option) + 1]) > limit:
                words[at] = str(limit)
            elif option in rule.get("add", ()) and option not in words:
                words += [option, str(limit)]
    return tuple(words)


def exit_codes(command: Command) -> list[int]:
    """Return the exit codes that a command may have."""
    return next((rule["codes"] for rule in rules()["exit"] if fits(rule, command)), [0])


def fits(rule: dict, command: Command) -> bool:
    """Return whether a rule is about a command."""
    return rule.get("page", command.source) == command.source and rule["command"] in command.text


def _number(text: str) -> float:
    try:
        return float(text.replace("k", "e3"))
    except ValueError:
        return 0.0


def with_notes(source: str, text: str) -> str:
    """Return a page's text with a line under every block that has a command which no test runs."""
    known = {block.text: [c for c in in_block(block) if how(c) == PARSED]
             for block in blocks(source) if block.language in SHELLS}

    def noted(match: re.Match[str]) -> str:
        reasons = dict.fromkeys(f"{rule['command']} ({rule['why']})" for c in known.get(match[2], []) if (rule := exception(c)))
        return match[0] + (f"\n\n<small>Checked but not run by our tests: {'; '.join(reasons)}.</small>" if reasons else "")

    return _FENCE.sub(noted, text)
