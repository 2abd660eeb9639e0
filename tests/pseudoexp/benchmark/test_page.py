"""`BENCHMARK.md`: its commands exist with their options, its Python runs, its releases are those that there are."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from typer.main import get_command

import pseudoexp
from pseudoexp.benchmark.registry import releases
from pseudoexp.cli.app import app

PAGE = (Path(pseudoexp.__file__).parent.parent / "BENCHMARK.md").read_text()
COMMANDS = re.findall(r"^python -m pseudoexp ([^#\n]*)", PAGE, re.MULTILINE)


@pytest.mark.parametrize("line", COMMANDS)
def test_commands_are_understood(line):
    words, command = shlex.split(line), get_command(app)
    while hasattr(command, "commands"):
        command = command.commands[words.pop(0)]
    command.make_context("pseudoexp", words)


def test_python_runs(small, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {"pseudoexp": pseudoexp, "score": None}
    blocks = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert len(blocks) == 2
    exec(blocks[0], names)
    named = pseudoexp.benchmark.identities("v1-small", "test")
    names["score"] = np.random.default_rng(1).normal(size=(len(named.row), 5))
    exec(blocks[1], names)
    assert names["found"]["seeds"] == 5 and len(names["train"].data) > 2000


def test_the_table_of_releases():
    rows = re.findall(r"^\| (`v1.*?) \| ([0-9,]+) \|", PAGE, re.MULTILINE)
    sizes = {name: int(size.replace(",", "")) for cell, size in rows for name in re.findall(r"`([^`]+)`", cell)}
    assert sizes == {name: one.n for name, one in releases().items()}
