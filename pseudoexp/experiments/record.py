"""An experiment and its toys as plain values and as an HDF5 file."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from pseudoexp import __version__
from pseudoexp.core.files import require_new_file, whole_file
from pseudoexp.dataset.digest import canonical_json, finite
from pseudoexp.experiments.candidates import BACKGROUND, SIGNAL
from pseudoexp.experiments.expectation import TESTS
from pseudoexp.experiments.plot_file import require_plot, write_plot
from pseudoexp.experiments.spectrum import Spectrum
from pseudoexp.experiments.toys import TOY_DTYPE, Experiment, Settings, draw, experiment

FORMAT = "1.0"
_NAMES = {SIGNAL: "signal", BACKGROUND: "background"}
_EXPECTED = np.dtype([(f"{name}{what}", "<f8") for name in _NAMES.values() for what in ("", "_error")])
Tell = Callable[[str, int, int], None]


def run(path: str | Path, settings: Settings, out: Path | None, plot: Path | None, force: bool, tell: Tell) -> dict[str, Any]:
    """Draw the toys of a file, write them and a figure where `out` and `plot` say, and return the results."""
    if out is not None:
        require_new_file(out, force)
    if plot is not None:
        require_plot(plot, force)
    made = experiment(path, settings, tell)
    with ExitStack() as stack:
        file = stack.enter_context(ToyFile(stack.enter_context(whole_file(out)), made)) if out is not None else None
        pieces: list[NDArray[np.void]] = []
        for toys, signal, background in draw(made):
            if not pieces:
                first = signal[0] + background[0]
            pieces.append(toys)
            if file is not None:
                file.write(toys, signal, background)
            tell("toys", sum(map(len, pieces)), settings.n_toys)
        found = facts(made, np.concatenate(pieces))
        if file is not None:
            file.finish(found)
    if plot is not None:
        from pseudoexp.experiments.plots import toys_figure

        write_plot(plot, toys_figure, made, np.concatenate(pieces), first)
    return found


class ToyFile:
    """HDF5: `toys`, one row each; `signal_mass`, `background_mass` (toys, bins); `expected` (bins) between `mass_edges` [GeV]."""

    def __init__(self, file: BinaryIO, made: Experiment) -> None:
        import h5py

        self._made = made
        self._done = 0
        n, bins = made.settings.n_toys, made.settings.bins
        self._file = h5py.File(file, "w")
        self._file.create_dataset("toys", (n,), TOY_DTYPE)
        for name in _NAMES.values():
            self._file.create_dataset(f"{name}_mass", (n, bins), "<i8")

    def write(self, toys: NDArray[np.void], signal: NDArray[np.int64], background: NDArray[np.int64]) -> None:
        """Append toys and their spectra."""
        rows = slice(self._done, self._done + len(toys))
        self._file["toys"][rows], self._file["signal_mass"][rows], self._file["background_mass"][rows] = toys, signal, background
        self._done += len(toys)

    def finish(self, found: dict[str, Any]) -> None:
        """Write the expectation and the attributes."""
        made = self._made
        expected = np.zeros(made.settings.bins, _EXPECTED)
        for name, short in _NAMES.items():
            scaled: Spectrum = made.spectra[name].scaled(made.strength(name))
            expected[short], variance = scaled.within(made.settings.edges)
            expected[f"{short}_error"] = np.sqrt(variance)
        self._file["expected"], self._file["mass_edges"] = expected, made.settings.edges
        self._file["mass_edges"].attrs["unit"] = "GeV"
        attributes = {"toys_format": FORMAT, "package_version": __version__, "results": canonical_json(finite(found)),
                      "dataset_hash": found["dataset_hash"] or "", "seed": made.settings.seed, "luminosity_per_fb":
                      made.settings.luminosity, "selection": made.settings.selection, "fit_edges": made.model.edges}
        for name, value in attributes.items():
            self._file.attrs[name] = value

    def __enter__(self) -> ToyFile:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def facts(made: Experiment, toys: NDArray[np.void]) -> dict[str, Any]:
    """Return everything about an experiment and its toys as plain values."""
    classes = {name: {"generated_pb": sample.generated, "fiducial_pb": sample.fiducial, "events_with_rows": sample.seen,
                      "efficiency": sample.efficiency, "jets_per_event": _jets(made.spectra[name]),
                      **{what: asdict(y) for what, y in made.yields()[name].items()}}
               for name, sample in made.samples.items()}
    spread = {name: moments(toys[name]) for name in TOY_DTYPE.names or ()}
    tests = {test: asdict(made.expected[test]) | {"toys": spread[f"z_{test}"]} for test in TESTS}
    return {"file": str(made.info.path), "dataset_hash": made.info.attributes.get("dataset_hash"),
            "settings": asdict(made.settings), "fit_edges": made.model.edges.tolist(), "classes": classes,
            "significance": tests, "toys": spread, "warnings": made.warnings()}


def _jets(found: Spectrum) -> float:
    per_number = found.expected.sum(axis=1)
    return float(per_number @ np.arange(1, len(per_number) + 1) / per_number.sum())


def moments(values: NDArray[Any]) -> dict[str, float]:
    """Return mean, standard deviation, median and the central 68 % of values."""
    low, median, high = (float(q) for q in np.quantile(values, (0.15865, 0.5, 0.84135)))
    return {"mean": float(values.mean()), "std": float(values.std(ddof=1)) if len(values) > 1 else 0.0, "low": low,
            "median": median, "high": high}
