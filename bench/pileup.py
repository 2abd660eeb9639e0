"""Pile-up: what the library holds, and what rows look like against the mean number of collisions.

    python bench/pileup.py library
    python bench/pileup.py rows --events 4000 --mu 0 60 200
    python bench/pileup.py rows --folder events --half 1 --radius 0.2 0.3 --killer 0 0.4     (compare subtractions)

The same generated events pass through the chain for every mu; they are made first unless `--folder` has them. `--half 0`
and `--half 1` take every other chunk, so that a subtraction is chosen on one half and quoted on the other.
"""

from __future__ import annotations

import argparse
import itertools
import math
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import samples
from numpy.typing import NDArray

from pseudoexp.calibration import calibration_of
from pseudoexp.chain import chain_tables, rows_of
from pseudoexp.config import load_card
from pseudoexp.core import species
from pseudoexp.core.processes import QCD, SIGNAL
from pseudoexp.dataset import schema
from pseudoexp.detector.pileup import DISPLACED, ETA_MIN, ETA_STEP, LN_PT_MIN, LN_PT_STEP
from pseudoexp.detector.pileup_library import load_library
from pseudoexp.detector.subtraction import SubtractionSettings
from pseudoexp.production.pileup import require_library
from pseudoexp.production.run_config import RunConfig
from pseudoexp.rows import ChainTables

PT, MASS, LABEL = schema.row("pt"), schema.row("mass"), schema.row("flavour_label")
HBB, IS_QCD = 0, 1
B_SCORE = [schema.row("vr1_ip3d_bu"), schema.row("vr2_ip3d_bu")]
EFFICIENCY = 0.6


class Result(NamedTuple):
    """Rows of one mu and subtraction, with what they took."""

    rows: dict[int, NDArray[np.float64]]
    events: dict[int, int]
    milliseconds: float


def library_table() -> list[str]:
    """Return the figures of the library per inelastic collision."""
    library = load_library(1.0)
    events = len(library.offsets) - 1
    pt, eta = np.exp(LN_PT_MIN + LN_PT_STEP * library.ln_pt), ETA_MIN + ETA_STEP * library.eta
    charged = np.array([species.charge(int(k)) != 0 for k in library.species])[library.kind & (DISPLACED - 1)]
    event = np.repeat(np.arange(events), np.diff(library.offsets))
    tracks = np.bincount(event[charged & (pt > 0.5) & (abs(eta) < 2.5)], minlength=events)

    def density(edge: float) -> str:
        return f"{pt[abs(eta) < edge].sum() / (4.0 * math.pi * edge) / events:.3f}"

    return ["| per inelastic collision | library | expected |", "|---|---|---|",
            f"| events | {events} | 50000 or more |",
            f"| charged, pT > 0.5, abs(eta) < 2.5, per unit of eta | {tracks.mean() / 5.0:.3f} | 2.68 |",
            f"| the same, number: mean, std | {tracks.mean():.2f}, {tracks.std():.2f} | 13.4, 16.4 |",
            f"| visible particles | {len(pt) / events:.1f} | 130 |",
            f"| sum of pT per unit of (eta, phi), abs(eta) < 2.5 and < 4.9 [GeV] | {density(2.5)}, {density(4.9)} | 0.93 |"]


def run(folder: Path, chunks: list[tuple[int, int]], tables: ChainTables) -> Result:
    """Return the rows of some chunks (process, number) and the processor time per event."""
    rows: dict[int, list[NDArray[np.float64]]] = {SIGNAL: [], QCD: []}
    events, times = {SIGNAL: 0, QCD: 0}, []
    for process, chunk in chunks:
        batch = samples.read_chunk(folder, process, chunk)
        start = time.process_time()
        rows[process].append(rows_of(batch, process, samples.SEED, tables)[0])
        times.append((time.process_time() - start) / len(batch.event_number))
        events[process] += len(batch.event_number)
    return Result({p: np.concatenate(found) for p, found in rows.items()}, events, 1e3 * float(np.min(times)))


def mode(mass: NDArray[np.float64]) -> float:
    """Return the mode of the masses [GeV]: the mean of the shortest interval that holds 40 %, taken twice."""
    for _ in range(2):
        mass = np.sort(mass)
        k = max(2, int(0.4 * len(mass)))
        first = int(np.argmin(mass[k - 1:] - mass[:len(mass) - k + 1]))
        mass = mass[first:first + k]
    return float(mass.mean())


def rejection(hbb: NDArray[np.float64], qcd: NDArray[np.float64]) -> float:
    """Return 1/eps_B at 60 % of a fixed tagger: the lower IP3D ratio of the two track jets; one class total each."""
    signal, background = hbb[:, B_SCORE].min(axis=1), qcd[:, B_SCORE].min(axis=1)
    cut = np.quantile(signal, 1.0 - EFFICIENCY)
    return float(len(background) / max(1, np.count_nonzero(background > cut)))


def line(name: str, mu: float, result: Result) -> str:
    """Return a line of the table."""
    hbb, qcd = (result.rows[p][result.rows[p][:, LABEL] == label] for p, label in ((SIGNAL, HBB), (QCD, IS_QCD)))
    mass = hbb[:, MASS]
    low, median, high = np.quantile(mass, [0.16, 0.5, 0.84])
    error = 1.25 * (high - low) / 2.0 / math.sqrt(len(mass))
    return (f"| {name} | {mu:g} | {len(hbb) / result.events[SIGNAL]:.3f} | {len(qcd) / result.events[QCD]:.3f} "
            f"| {median:.1f} +- {error:.1f} | {mode(mass):.1f} | {(high - low) / 2.0:.1f} | {np.median(qcd[:, MASS]):.1f} "
            f"| {rejection(hbb, qcd):.0f} | {result.milliseconds:.2f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["library", "rows"])
    parser.add_argument("--card", default="atlas-itk")
    parser.add_argument("--mu", type=float, nargs="+", default=[0.0, 60.0, 200.0])
    parser.add_argument("--events", type=int, default=4000, help="events, half of them signal")
    parser.add_argument("--engine", default="pythia8", choices=["pythia8", "builtin"], help="of the events")
    parser.add_argument("--folder", type=Path, help="keep the events here, or take them from here")
    parser.add_argument("--half", type=int, choices=[0, 1], help="every other chunk only")
    parser.add_argument("--density", type=float, nargs="+", help="patches of the density, instead of the card's")
    parser.add_argument("--radius", type=float, nargs="+", help="radius of constituent subtraction, 0 without")
    parser.add_argument("--killer", type=float, nargs="+", help="patches of SoftKiller, 0 without")
    options = parser.parse_args()
    require_library(RunConfig.from_options(1, pileup=max(1.0, *options.mu)), 0,
                    lambda stage, done, total: print(stage, done, total, file=sys.stderr))
    if options.what == "library":
        print("\n".join(library_table()))
        return
    card = load_card(options.card)
    calibration = calibration_of(card.calibration)
    nominal = chain_tables(card, calibration, load_library(0.0))
    chosen = nominal.detector.subtraction
    scan = itertools.product(options.density or [chosen.density_grid], options.radius or [chosen.radius],
                             options.killer or [chosen.soft_killer_grid])
    settings = [SubtractionSettings(density, chosen.max_abs_eta, radius, killer) for density, radius, killer in scan]
    count = max(1, options.events // (2 * schema.EVENTS_PER_CHUNK))
    chunks = [(process, chunk) for process in (SIGNAL, QCD) for chunk in range(count)
              if options.half is None or chunk % 2 == options.half]
    with tempfile.TemporaryDirectory(prefix="pseudoexp-pileup-") as temporary:
        folder = options.folder or Path(temporary)
        samples.make_events(folder, count, 0, options.engine)
        print("| subtraction | mu | hbb rows per event | qcd rows per event | hbb mass, median | mode | half of 68 % "
              "| qcd mass, median | 1/eps_B at 60 %, IP3D | ms per event |\n" + "|---" * 10 + "|", flush=True)
        for mu in options.mu:
            for setting in settings[:1] if mu == 0.0 else settings:
                name = (f"density {setting.density_grid:g}, radius {setting.radius:g}, killer {setting.soft_killer_grid:g}"
                        if mu else "none")
                tables = nominal._replace(pileup=load_library(mu), detector=nominal.detector._replace(subtraction=setting))
                print(line(name, mu, run(folder, chunks, tables)), flush=True)


if __name__ == "__main__":
    main()
