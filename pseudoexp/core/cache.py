"""Where the package keeps what it may make again at any time: compiled kernels, libraries, tables.

Numba's disk cache notices a change of the file a kernel stands in, but not a change of a kernel it
calls in another file. The cache is therefore keyed by the SHA-256 of all sources of the package: any
edit starts a fresh cache, and stale machine code cannot be run. It lives beside the package when that
is writable and in the user's cache directory (``$XDG_CACHE_HOME``, else ``~/.cache``) when it is not.
``PSEUDOEXP_CACHE`` names another place.
"""

from __future__ import annotations

import hashlib
import os
from functools import lru_cache
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]


def user_cache() -> Path:
    """Return the folder for files the package may make again at any time."""
    if named := os.environ.get("PSEUDOEXP_CACHE"):
        return Path(named)
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "pseudoexp"


@lru_cache(maxsize=1)
def source_hash() -> str:
    """Return the SHA-256 (first 16 hex digits) over all Python sources of the package."""
    digest = hashlib.sha256()
    for path in sorted(PACKAGE.rglob("*.py")):
        digest.update(str(path.relative_to(PACKAGE)).encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


@lru_cache(maxsize=1)
def cache_folder() -> Path:
    """Return the folder of this version's compiled kernels."""
    beside = PACKAGE / "__pycache__"
    writable = os.access(beside if beside.exists() else PACKAGE, os.W_OK)
    base = beside if writable and "PSEUDOEXP_CACHE" not in os.environ else user_cache()
    return base / "kernels" / source_hash()
