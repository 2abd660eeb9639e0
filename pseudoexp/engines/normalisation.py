"""The constant that turns Pythia's event weights into picobarns.

Events drawn with density b(pT-hat) dsigma / S, where S = integral of b dsigma and b = (pT-hat/250 GeV)**power,
carry Pythia's weight 1/b. Its mean is sigma/S, so S * weight averages to the cross-section, and S depends on
neither the number of events nor the chunk. S comes from the hard process alone, which takes some 30 us per
event: Pythia's cross-section estimate over the mean weight of the same run. Runs have a random sequence of
their own. The defaults ship as a table, made by ``python -m pseudoexp.engines.normalisation`` and good to 0.1 %;
other settings are run once, to 0.3 % within seconds, and kept in the user's cache.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pseudoexp.core.cache import PACKAGE, user_cache
from pseudoexp.core.processes import MINIMUM_BIAS, QCD, SIGNAL
from pseudoexp.engines.driver import Driver
from pseudoexp.engines.settings import EngineSettings, physics_process, pythia_lines

TABLE = PACKAGE / "data" / "pythia8_normalisation.json"
EVENTS = 200_000
TABLE_EVENTS = 2_000_000
_EVENTS_PER_CALL = 2000


class Normalisation(NamedTuple):
    """Result of a run of the hard process."""

    constant: float  # pb: times Pythia's weight, the event's weight
    cross_section: float  # pb
    error: float  # pb, statistical error of the cross-section
    events: int


def normalisation(process: int, settings: EngineSettings) -> Normalisation:
    """Return the normalisation of a process: from the shipped table, the user's cache or a new run.

    Minimum-bias events have weight 1 and no normalisation.
    """
    physics = physics_process(process)
    if physics == MINIMUM_BIAS:
        return Normalisation(1.0, 1.0, 0.0, 0)
    return _lookup(physics, pythia_lines(physics, settings))


def measure(process: int, lines: tuple[str, ...], events: int = EVENTS) -> Normalisation:
    """Return the normalisation from a new run of `events` hard processes."""
    driver = Driver((*lines, "PartonLevel:all = off"), without_charm=process == SIGNAL)
    driver.seed("normalisation")
    total, done = 0.0, 0
    while done < events:
        info = driver.events(min(_EVENTS_PER_CALL, events - done)).layout.content("info")
        weights = np.asarray(info.content("weights").content.data)
        total += float(weights.sum())
        done += weights.size
    return Normalisation(driver.cross_section * done / total, driver.cross_section, driver.cross_section_error, done)


@lru_cache(maxsize=64)
def _lookup(process: int, lines: tuple[str, ...]) -> Normalisation:
    key = _key(lines)
    shipped = json.loads(TABLE.read_text()) if TABLE.exists() else {}
    if key in shipped:
        return _of_json(shipped[key])
    cached = user_cache() / "pythia8_normalisation" / f"{hashlib.sha256(key.encode()).hexdigest()[:24]}.json"
    try:
        return _of_json(json.loads(cached.read_text()))
    except (OSError, ValueError, KeyError, TypeError):
        pass
    result = measure(process, lines)
    _store(cached, {"settings": key, **result._asdict()})
    return result


def _key(lines: tuple[str, ...]) -> str:
    return "; ".join((f"pythia8mc {version('pythia8mc')}", *lines))


def _of_json(entry: dict[str, float]) -> Normalisation:
    return Normalisation(float(entry["constant"]), float(entry["cross_section"]), float(entry["error"]),
                         int(entry["events"]))


def _store(path: Path, entry: dict[str, object]) -> None:
    """Write a cache file in one step; an unwritable cache only costs the next run its time."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as file:
            json.dump(entry, file)
        Path(file.name).replace(path)
    except OSError:
        pass


def make_table(events: int = TABLE_EVENTS) -> dict[str, dict[str, float]]:
    """Return the shipped table: both processes, pT-hat above 150 and 250 GeV, with and without bias."""
    table = {}
    for process in (SIGNAL, QCD):
        for pthat_min in (150.0, 250.0):
            for pt_bias in (0.0, 4.0):
                lines = pythia_lines(process, EngineSettings(pthat_min, pt_bias))
                table[_key(lines)] = measure(process, lines, events)._asdict()
    return table


if __name__ == "__main__":
    json.dump(make_table(), sys.stdout, indent=1)
    sys.stdout.write("\n")
