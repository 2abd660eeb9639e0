"""Which event is asked for: its number in a file, and the configuration of the run that made the file."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from pseudoexp.config import from_mapping
from pseudoexp.dataset.probe import probe
from pseudoexp.dataset.schema import engine_event_number, file_event_number
from pseudoexp.errors import ConfigError, SchemaError
from pseudoexp.production.chunk import PROCESS_NAMES
from pseudoexp.production.run_config import RunConfig, difference, parse_count

LARGEST_EVENT = 2**48


@dataclass(frozen=True)
class Request:
    """One event of a run.

    Attributes
    ----------
    config : RunConfig
        The run.
    process : int
        `processes.SIGNAL` or `processes.QCD`.
    event : int
        Number within the process.
    """

    config: RunConfig
    process: int
    event: int

    @property
    def number(self) -> int:
        """`eventNumber` in the file."""
        return int(file_event_number(self.process, self.event))


def numbered(config: RunConfig, number: Any, process: str | None) -> Request:
    """Return the request for an `eventNumber`.

    Parameters
    ----------
    config : RunConfig
        The run.
    number : int or str
        As in the file; it says which process the event is of.
    process : {"signal", "qcd"} or None
        What the user takes it for; checked.

    Raises
    ------
    ConfigError
        For an impossible number, or one of another process.
    """
    given = parse_count(number, "event", 0, 2 * LARGEST_EVENT - 20)
    found, event = engine_event_number(given)
    if process is not None and process not in PROCESS_NAMES:
        raise ConfigError(f"process {process!r}; allowed: {', '.join(PROCESS_NAMES)}")
    if process is not None and process != PROCESS_NAMES[found]:
        near = file_event_number(1 - found, event)
        raise ConfigError(f"event {given} is a {PROCESS_NAMES[found]} event: even tens are signal, odd tens qcd; "
                          f"allowed: --process {PROCESS_NAMES[found]}, or an event such as {near}")
    return Request(config, found, event)


def configuration_of(path: str | Path, hepmc_signal: str = "", hepmc_qcd: str = "") -> RunConfig:
    """Return the configuration a file was made with.

    Parameters
    ----------
    path : str or Path
        The file.
    hepmc_signal, hepmc_qcd : str
        Where the events of the engine `hepmc` are; the file knows their checksums only.

    Raises
    ------
    ConfigError
        If this version of the package makes other rows from it.
    SchemaError
        If it is no file of ours.
    """
    stored: dict[str, Any] = json.loads(probe(path).attributes["configuration"])
    return replace(stored_configuration(path, stored, hepmc_signal, hepmc_qcd), variations=False,
                   images=0)  # the rows are the same


def stored_configuration(path: str | Path, stored: dict[str, Any], hepmc_signal: str = "", hepmc_qcd: str = "") -> RunConfig:
    """Return the configuration that the file `path` has stored; otherwise as `configuration_of`."""
    from pseudoexp.detector.card import DetectorCard

    card = from_mapping(DetectorCard, stored.get("card", {}), f"{path}: card")
    given = {f.name: stored[f.name] for f in fields(RunConfig) if f.name in stored and f.name != "card"}
    if "n" not in given:
        raise SchemaError(f"{path}: its configuration is not one of `generate`")
    config = RunConfig(card=card, hepmc_signal=hepmc_signal, hepmc_qcd=hepmc_qcd, **given)
    if found := difference(stored, json.loads(config.json())):
        raise ConfigError(f"{path} was made by another version ({found}): its events cannot be made again")
    return config
