"""The package pyhepmc, imported on first use."""

from __future__ import annotations

from typing import Any

from pseudoexp.errors import MissingExtra


def pyhepmc_module() -> Any:
    """Return pyhepmc; `MissingExtra` without it."""
    try:
        import pyhepmc
    except ImportError:
        raise MissingExtra("pyhepmc", "hepmc") from None
    return pyhepmc
