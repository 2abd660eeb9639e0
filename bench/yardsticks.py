"""How far other tunes and showers of Pythia8 are from its default: the yardstick for the built-in engine.

    python bench/yardsticks.py make monash --events 20000
    python bench/yardsticks.py make a14 --tune "Tune:pp = 21" --events 20000 --seed 31
    python bench/yardsticks.py make vincia --tune "PartonShowers:model = 2" --events 6000 --seed 32    (90 ms per event)
    python bench/yardsticks.py make builtin --engine builtin --events 20000
    python bench/yardsticks.py compare monash a14 vincia builtin            (the first is the standard; Markdown)

`make` keeps the particle-level jets and the rows of the default detector of the same events, one file per process.
`compare` gives the area under the curve of the two-sample test; it grows with the number of rows to learn from, so all
samples of a class are cut to the same number.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from pseudoexp.calibration import calibration_of
from pseudoexp.chain import chain_tables, rows_of
from pseudoexp.config import load_card
from pseudoexp.core.record import EventBatch
from pseudoexp.dataset import schema
from pseudoexp.dataset.weights import DEFAULT_SAMPLING
from pseudoexp.detector.pileup import no_pileup
from pseudoexp.engines.settings import EngineSettings
from pseudoexp.validation.particle_jets import particle_jets
from pseudoexp.validation.particle_level import EVENT_COLUMNS, PROCESSES, ParticleLevel, chunks
from pseudoexp.validation.samples import Sample
from pseudoexp.validation.two_sample import Verdict, two_sample_test

CARD = "atlas-itk"
SAVE_EVERY = 4
"""Chunks after which what there is is written, so that an interrupted run leaves something."""


def make(name: str, engine: str, tune: tuple[str, ...], events: int, seed: int, folder: Path, processes: list[str]) -> None:
    """Generate events and keep their particle-level jets and rows."""
    card = load_card(CARD)
    tables = chain_tables(card, calibration_of(card.calibration), no_pileup())
    folder.mkdir(parents=True, exist_ok=True)
    for process in processes:
        jets, rows, done = [], [], 0
        for number, batch in enumerate(chunks(engine, process, events, seed, EngineSettings(*DEFAULT_SAMPLING, tune)), start=1):
            found = particle_jets(batch)
            found[:, 0] += done
            done += len(batch.event_number)
            jets.append(found)
            rows.append(detector_rows(batch, process, seed, tables))
            if number % SAVE_EVERY == 0 or done == events:
                np.savez(folder / f"{name}-{process}.npz", jets=np.concatenate(jets), rows=np.concatenate(rows))
        print(f"{name}, {process}: {done:,} events, {sum(map(len, rows)):,} rows", flush=True)


def detector_rows(batch: EventBatch, process: str, seed: int, tables) -> np.ndarray:
    """Return the rows of class hbb or qcd that a batch gives."""
    rows, _ = rows_of(batch, PROCESSES[process], seed, tables, keep_other=False)
    return rows


def particle_sample(folder: Path, name: str, process: str) -> Sample:
    """Return the particle-level jets of the class."""
    with np.load(folder / f"{name}-{process}.npz") as file:
        return ParticleLevel(process, file["jets"], np.zeros((0, len(EVENT_COLUMNS))), {}, np.zeros(0)).jet_sample()


def row_sample(folder: Path, name: str, process: str) -> Sample:
    """Return the rows of the class; GeV, mm."""
    with np.load(folder / f"{name}-{process}.npz") as file:
        rows = file["rows"]
    rows = rows[rows[:, schema.row("flavour_label")] == PROCESSES[process]]
    data = rows[:, :len(schema.INPUTS)].astype(np.float32)
    return Sample(schema.INPUTS, len(schema.INPUTS), data, rows[:, schema.row("eventNumber")].astype(np.int64), data[:, 0])


def compare(names: list[str], folder: Path, least: int) -> list[str]:
    """Return the lines of a Markdown table."""
    lines = ["| class, inputs | rows of each | " + " | ".join(["two halves", *names[1:]]) + " | given away by (last) |",
             "|" + "---|" * (len(names) + 3)]
    for process, title in (("qcd", "qcd"), ("signal", "hbb")):
        for kind, read in (("21 particle-level observables", particle_sample), ("39 inputs", row_sample)):
            samples = [read(folder, name, process) for name in names if (folder / f"{name}-{process}.npz").exists()]
            n = min(len(samples[0]) // 2, *(len(sample) for sample in samples[1:]), *([least] if least else []))
            verdicts = [halves(samples[0], n)] + [test(samples[0], other, n) for other in samples[1:]]
            last = ", ".join(name for name, _ in verdicts[-1].inputs[:4])
            lines.append(f"| {title}, {kind} | {n:,} | " + " | ".join(f"{v.auc:.3f} ± {v.error:.3f}" for v in verdicts)
                         + f" | {last} |")
    return lines


def halves(sample: Sample, n: int) -> Verdict:
    """Test the two halves of a sample against one another."""
    return two_sample_test(sample.take(slice(0, n)).rows(), sample.take(slice(len(sample) - n, None)).rows(),
                           sample.names[:sample.inputs], rank=False)


def test(first: Sample, second: Sample, n: int) -> Verdict:
    """Test n rows of either sample."""
    return two_sample_test(first.take(slice(0, n)).rows(), second.take(slice(0, n)).rows(), first.names[:first.inputs])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path("yardsticks"))
    commands = parser.add_subparsers(dest="command", required=True)
    making = commands.add_parser("make")
    making.add_argument("name")
    making.add_argument("--engine", default="pythia8")
    making.add_argument("--tune", action="append", default=[], help="a line of Pythia settings; may be repeated")
    making.add_argument("--events", type=int, default=20_000, help="per process")
    making.add_argument("--seed", type=int, default=1)
    making.add_argument("--process", choices=list(PROCESSES), action="append")
    comparing = commands.add_parser("compare")
    comparing.add_argument("names", nargs="+")
    comparing.add_argument("--rows", type=int, default=0, help="rows of each sample at most")
    options = parser.parse_args()
    if options.command == "make":
        make(options.name, options.engine, tuple(options.tune), options.events, options.seed, options.folder,
             options.process or list(PROCESSES))
    else:
        print("\n".join(compare(options.names, options.folder, options.rows)))


if __name__ == "__main__":
    main()
