"""The package pyhepmc, imported on first use."""

from __future__ import annotations

from typing import Any

from pseudoexp.optional import require


def pyhepmc_module() -> Any:
    """Return pyhepmc; `MissingExtra` without it."""
    return require("pyhepmc", "hepmc")
