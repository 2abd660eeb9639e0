"""Pseudo-experiments: what an experiment of a given luminosity would count, again and again.

The expectation per mass cell and number of selected jets is that of the file's weighted events; every toy draws Poisson numbers
around it. Toy k is a function of seed, file and options: more toys leave the first ones as they were.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pseudoexp.dataset.probe import FileInfo, probe
from pseudoexp.dataset.splits import residues
from pseudoexp.errors import ConfigError, DataError
from pseudoexp.experiments.candidates import BACKGROUND, SIGNAL, Sample, read_samples
from pseudoexp.experiments.columns import parsed, scored
from pseudoexp.experiments.expectation import TESTS, Expected, Model, expectations, fit_model
from pseudoexp.experiments.fit import fit_known, fit_shape
from pseudoexp.experiments.significance import counting
from pseudoexp.experiments.spectrum import PER_PB, Spectrum, Yield, rebinned, spectrum, summed

CHUNK = 1000
"""Toys drawn at a time."""
FEW = 100.0
"""Effective background events below which a warning says so."""
TOY_DTYPE = np.dtype(
    [(f"{name}_{what}", "<i8") for name in ("signal", "background") for what in ("events", "jets", "window")]
    + [(f"z_{test}", "<f8") for test in TESTS] + [("strength_spectrum", "<f8"), ("strength_shape", "<f8")])
"""One toy: events, selected jets and events in the mass window of both classes; significances; fitted signal strengths."""
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Settings:
    """What the toys are of; see `pseudoexp.api.toys`."""

    luminosity: float
    n_toys: int
    selection: str
    split: str | None
    window: tuple[float, float]
    mass_range: tuple[float, float]
    bins: int
    signal_strength: float
    seed: int
    scores: str = ""

    def __post_init__(self) -> None:
        residues(self.split)
        for name, (low, high) in (("window", self.window), ("mass_range", self.mass_range)):
            if not 0.0 <= low < high < np.inf:
                raise ConfigError(f"{name} = {low:g} {high:g}; allowed: two rising masses in GeV from 0 on")

    @property
    def edges(self) -> Array:
        """Edges of the spectrum [GeV]."""
        return np.linspace(*self.mass_range, self.bins + 1)

    @property
    def cells(self) -> Array:
        """Edges of the spectrum and of the window together."""
        return np.union1d(self.edges, self.window)


@dataclass(frozen=True)
class Experiment:
    """All that is drawn from and judged by; `spectra` and `model` are those of signal strength 1."""

    info: FileInfo
    settings: Settings
    samples: dict[str, Sample]
    spectra: dict[str, Spectrum]
    model: Model
    expected: dict[str, Expected]
    notes: list[str]

    def yields(self) -> dict[str, dict[str, Yield]]:
        """Return the sums of weights of both classes, of all selected events and in the window."""
        low, high = self.settings.window
        found: dict[str, dict[str, Yield]] = {}
        for name, sample in self.samples.items():
            events = sample.events
            each = events.cross_section * PER_PB * self.settings.luminosity * self.strength(name)
            inside = (events.mass >= low) & (events.mass < high)
            found[name] = {"events": summed(each), "window": summed(each[inside])}
        return found

    def strength(self, name: str) -> float:
        """Return how many times its cross-section a class has."""
        return self.settings.signal_strength if name == SIGNAL else 1.0

    def warnings(self) -> list[str]:
        """Return what a reader of the figures should know."""
        found = list(self.notes)
        background = self.yields()[BACKGROUND]
        for what, text in (("events", "selected"), ("window", "in the mass window")):
            if background[what].effective < FEW:
                found.append(f"{background[what].sampled} background events {text} of the sample count as "
                             f"{background[what].effective:.3g}: the expectation is known to "
                             f"{1.0 / max(background[what].effective, 1e-9)**0.5:.0%} only")
        if len(self.model.edges) < self.settings.bins + 1:
            found.append(f"{self.settings.bins} bins were joined to {len(self.model.edges) - 1} for the fits: each has 10 "
                         "effective background events of the sample or more")
        return found


def experiment(path: str | Path, settings: Settings, tell: Callable[[str, int, int], None]) -> Experiment:
    """Read a file and return what its toys are drawn from.

    Raises
    ------
    ConfigError
        For a wrong selection.
    DataError
        If no event of a class is selected.
    """
    info = probe(path)
    found = scored(info, settings.scores, settings.split) if settings.scores else None
    selection = parsed(settings.selection, info, found, condition=True) if settings.selection else None
    samples = read_samples(info, selection, None, settings.split, found.values if found else None,
                           lambda rows: tell("reading", rows, info.rows))
    for name, sample in samples.items():
        if not len(sample.events):
            raise DataError(f"{path}: the selection keeps none of {sample.seen} events of class {name}; allowed: a looser "
                            "selection, or a larger file")
    spectra = {name: spectrum(sample.events, settings.luminosity, settings.cells) for name, sample in samples.items()}
    model = fit_model(spectra[SIGNAL], spectra[BACKGROUND], settings.edges)
    for name, content in ((SIGNAL, model.signal), (BACKGROUND, model.background)):
        if not content.sum() > 0.0:
            raise DataError(f"{path}: no selected event of class {name} has a mass of {settings.mass_range[0]:g} to "
                            f"{settings.mass_range[1]:g} GeV; allowed: a wider mass range, a looser selection or a larger file")
    expected = expectations(spectra[SIGNAL].scaled(settings.signal_strength), spectra[BACKGROUND], np.array(settings.window),
                            model.edges)
    return Experiment(info, settings, samples, spectra, model, expected, found.notes() if found else [])


def draw(made: Experiment) -> Iterator[tuple[NDArray[np.void], NDArray[np.int64], NDArray[np.int64]]]:
    """Yield toys (n,) of `TOY_DTYPE` and the mass spectra (n, bins) of their signal and background, some at a time."""
    streams = [np.random.Generator(np.random.Philox(key=[made.settings.seed, i])) for i in range(2)]
    for first in range(0, made.settings.n_toys, CHUNK):
        count = min(CHUNK, made.settings.n_toys - first)
        numbers = [stream.poisson(made.strength(name) * made.spectra[name].expected,
                                  (count, *made.spectra[name].expected.shape))
                   for stream, name in zip(streams, (SIGNAL, BACKGROUND), strict=True)]
        yield _toys(made, numbers)


def _toys(made: Experiment, numbers: list[NDArray[np.int64]]
          ) -> tuple[NDArray[np.void], NDArray[np.int64], NDArray[np.int64]]:
    settings, model, toys = made.settings, made.model, np.zeros(len(numbers[0]), TOY_DTYPE)
    cells = [n.sum(axis=1) for n in numbers]
    for name, n, per_cell in zip(("signal", "background"), numbers, cells, strict=True):
        toys[f"{name}_events"] = per_cell.sum(axis=1)
        toys[f"{name}_jets"] = n.sum(axis=2) @ np.arange(1, n.shape[1] + 1)
        toys[f"{name}_window"] = rebinned(per_cell, settings.cells, np.array(settings.window))[:, 0]
    background = made.spectra[BACKGROUND]
    for test, what, b in (("counting", "events", background.expected.sum()),
                          ("window", "window", background.within(np.array(settings.window))[0][0])):
        toys[f"z_{test}"] = counting(toys[f"signal_{what}"] + toys[f"background_{what}"], b) if b > 0.0 else np.nan
    data = rebinned(cells[0] + cells[1], settings.cells, model.edges)
    for test, fit in (("spectrum", fit_known), ("shape", fit_shape)):
        toys[f"strength_{test}"], toys[f"z_{test}"] = fit(data, model.signal, model.background)
    return (toys, *(rebinned(n, settings.cells, settings.edges) for n in cells))  # type: ignore[return-value]
