"""The Verilog of an exported folder, read as far as it describes a circuit.

Verilog reaches beyond the circuit with what begins with `$` (programs, files) or with a backtick (other files, C++) and with
what stands in quotation marks (functions of C); comments steer Verilator. Of all that, `export` writes `$signed` and
`timescale`: anything else is refused and comments are dropped, so that a folder from anywhere can be built.
"""

from __future__ import annotations

import re
from pathlib import Path

from pseudoexp.core.files import read_text
from pseudoexp.errors import SchemaError
from tagger.firmware.verilog import SOURCES, TOP

MOST_BYTES = 1 << 25
"""Of all sources together."""
_NAME = re.compile(r"[A-Za-z_]\w*\.v", re.ASCII)
_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_BEYOND = re.compile(r"\$(?!signed\b)\w*|`(?!timescale\b)\w*|[^\t\n\r -~]|[\"\\]", re.ASCII)


def read_sources(folder: Path) -> dict[str, str]:
    """Return file name -> text, without comments, of an exported Verilog project.

    Raises
    ------
    SchemaError
        If the top module is missing, a file has a name that `export` gives to none, or holds more than a circuit.
    ConfigError
        If a file cannot be read or is too long.
    """
    texts: dict[str, str] = {}
    left = MOST_BYTES
    for path in sorted((folder / SOURCES).glob("*.v")):
        if not _NAME.fullmatch(path.name) or not path.is_file():
            raise SchemaError(f"{folder / SOURCES}: {path.name!r} is no source of ours; allowed: letters, digits, '_' and '.v'")
        text = read_text(path, left)
        left -= len(text)
        texts[path.name] = _circuit(path, text)
    if f"{TOP}.v" not in texts:
        raise SchemaError(f"{folder}: not a whole Verilog project, or damaged ({SOURCES}/{TOP}.v is missing)")
    return texts


def _circuit(path: Path, text: str) -> str:
    """Return a text without its comments, refuse one that is more than a circuit."""
    bare = _COMMENT.sub(lambda comment: " " + "\n" * comment.group().count("\n"), text)
    found = _BEYOND.search(bare)
    if found:
        line = bare.count("\n", 0, found.start()) + 1
        raise SchemaError(f"{path}, line {line}: {found.group()!r} is more than a circuit, nothing is built; allowed are $signed "
                          "and `timescale, no other system tasks or directives, no texts, no escaped names")
    return bare
