"""Keras on JAX keeps each program it compiled mapped, and the system allows a process so many mappings only."""

from collections.abc import Iterator
from pathlib import Path

import keras
import pytest

MAPPINGS = Path("/proc/self/maps")
ENOUGH = 20_000
"""Linux allows 65,530; a compilation beyond ends in a segmentation fault."""


@pytest.fixture(autouse=True)
def programs_are_forgotten() -> Iterator[None]:
    yield
    if keras.backend.backend() == "jax" and MAPPINGS.exists() and MAPPINGS.read_bytes().count(b"\n") > ENOUGH:
        import jax

        jax.clear_caches()
