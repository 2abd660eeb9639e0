"""A script of ours run in a process of its own, which a file from anywhere may break, fill or stop."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")


def ask(script: str, *arguments: str, seconds: float, work: str = "it", library: str = "library that reads it") -> dict[str, Any]:
    """Return the JSON object that a script prints; the script sets its own limits on memory and processor time.

    Parameters
    ----------
    script : str
        Its file; it imports nothing of this package.
    *arguments : str
        Words of its command line.
    seconds : float
        Wall-clock limit.
    work, library : str
        What an error calls what the script does, and what it does it with.

    Returns
    -------
    dict
        With `error` (str) alone if the script ended without an answer.
    """
    command = [sys.executable, "-P", script, *arguments]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds, check=False,
                              env=os.environ | dict.fromkeys(THREADS, "1"))
    except subprocess.TimeoutExpired:
        return {"error": f"{work} took more than {seconds:g} s"}
    try:
        return dict(json.loads(done.stdout))
    except (ValueError, TypeError, RecursionError):
        return {"error": f"{work} broke the {library} (status {done.returncode})"}
