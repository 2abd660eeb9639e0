"""Engines fill the event record; each is a module with ``generate_chunk(process, seed, first_event, n, settings)``."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Protocol

from pseudoexp.errors import ConfigError

if TYPE_CHECKING:
    from pseudoexp.core.record import EventBatch
    from pseudoexp.engines.settings import EngineSettings

_MODULES = {"builtin": "builtin.chunk", "pythia8": "pythia8", "hepmc": "hepmc.chunk"}
ENGINES = tuple(_MODULES)
"""Names of the engines."""
DEFAULT_ENGINE = "builtin"
"""Ours: it needs no other package, and validation holds it against Pythia8."""


class Engine(Protocol):
    """What an engine's module offers."""

    def generate_chunk(self, process: int, seed: int, first_event: int, n: int, settings: EngineSettings,
                       ) -> EventBatch:
        """Generate events `first_event` to `first_event + n - 1` of a process."""


def engine(name: str) -> Engine:
    """Return the engine of a name, imported on first use; `ConfigError` for an unknown one."""
    if name not in ENGINES:
        raise ConfigError(f"engine {name!r}: {', '.join(ENGINES)} is allowed")
    module: Engine = importlib.import_module(f"pseudoexp.engines.{_MODULES[name]}")  # type: ignore[assignment]
    return module
