"""What the pile-up library of this version depends on, and where it lies: known without reading it, and without numba."""

from __future__ import annotations

import hashlib
import json
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pseudoexp.core.cache import user_cache

LIBRARY_VERSION = "1"
LIBRARY_EVENTS = 50_000
LIBRARY_SEED = 20_240_601


def library_path(events: int = LIBRARY_EVENTS) -> Path:
    """Return where the library of this version is kept."""
    try:
        generator = version("pythia8mc")
    except PackageNotFoundError:
        generator = "none"
    key = json.dumps([LIBRARY_VERSION, LIBRARY_SEED, events, generator])
    return user_cache() / "pileup" / f"inelastic-{hashlib.sha256(key.encode()).hexdigest()[:16]}.npz"
