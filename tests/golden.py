"""Rows that stay to the bit, and the rule by which versions follow them.

    python tests/golden.py            writes them anew; refuses where a version was not raised as the rule demands

Three sets: `chain`, the rows of stored Pythia8 events with their tracks and images, and `pileup`, those of a few of them in
crossings with pile-up, pin the dataset version; `builtin`, rows of the default engine, pins its version beside it. A patch of
the dataset version leaves all rows as they were, a minor version adds columns, a major one changes rows; before 1.0 each stands
one place further to the right. Rows of the default engine may change with its version, too.
"""

import sys
from pathlib import Path

import numpy as np

DATA = Path(__file__).parent / "data"
GOLDEN = DATA / "golden_rows.npz"
LIBRARY = DATA / "pileup_library.npz"
"""The first 40 inelastic events of the pile-up library, which is too large to travel with the tests."""
ROWS = 50
SEED = 1
TRACKS, PIXELS = 8, 16
MUS, CROSSINGS = (60, 200), 10
LEVELS = ("patch", "minor", "major")


def change(old, new):
    """Return what became of rows (two compound arrays): "patch" nothing, "minor" further columns, "major" anything else."""
    if set(old.dtype.names) - set(new.dtype.names) or len(old) != len(new):
        return "major"
    for name in old.dtype.names:
        a, b = old[name], new[name]
        if a.dtype != b.dtype or a.tobytes() != b.tobytes():
            return "major"
    return "minor" if set(new.dtype.names) - set(old.dtype.names) else "patch"


def allows(old, new, level):
    """Return whether going from version `old` to `new` (texts such as "0.2.0") may bring such a change."""
    before, after = (tuple(map(int, version.split("."))) for version in (old, new))
    if after < before:
        return False
    needed = LEVELS[::-1].index(level) + (before[0] == after[0] == 0)  # place that has to rise
    return needed >= len(before) - (before[0] > 0) or after[:needed + 1] > before[:needed + 1]


def complaint(old, new):
    """Return what forbids putting the set of rows `new` in the place of `old`; empty if nothing does.

    Sets are dictionaries: arrays of rows by name, texts `dataset_version` and, for an engine's rows, `engine_version`.
    """
    for name in sorted(old.keys() - {"dataset_version", "engine_version"}):
        level = change(old[name], new[name])
        versions = old["dataset_version"], new["dataset_version"]
        engine = old.get("engine_version", ""), new.get("engine_version", "")
        if allows(*versions, level) or (level == "major" and engine[0] != engine[1] and same_columns(old[name], new[name])):
            continue
        what = {"major": "rows changed", "minor": "columns were added"}.get(level, "the version fell")
        other = f", or the engine's (it is {engine[1]})" if engine[1] and level == "major" else ""
        return f"{name}: {what}; raise schema.DATASET_VERSION (it is {versions[1]}) as the rule says{other}"
    return ""


def same_columns(old, new):
    """Return whether rows have the same columns of the same types."""
    return old.dtype == new.dtype


def read():
    """Return the stored sets by name."""
    with np.load(GOLDEN, allow_pickle=False) as stored:
        sets = {}
        for key in stored.files:
            group, _, name = key.partition("-")
            sets.setdefault(group, {})[name] = stored[key] if stored[key].ndim else str(stored[key])
        return sets


def chain_rows():
    """Return the rows of the stored Pythia8 events, their tracks and their images."""
    from pseudoexp.detector.pileup import no_pileup

    return versioned(rows_of_events(no_pileup(), ROWS))


def pileup_rows():
    """Return the same of the first events of both processes, at several mean numbers of pile-up collisions."""
    from pseudoexp.detector.pileup_library import read_library

    library, found = read_library(LIBRARY), {}
    for mu in MUS:
        found |= rows_of_events(library._replace(mu=float(mu)), ROWS, CROSSINGS, f"_mu{mu}")
    return versioned(found)


def rows_of_events(pileup, most, n_events=None, mark=""):
    """Return at most so many packed rows of the first stored events of each process, with their tracks and images, by name."""
    from real_events import PROCESSES, events, some

    from pseudoexp import chain
    from pseudoexp.calibration import calibration_of
    from pseudoexp.config import load_card
    from pseudoexp.dataset import schema

    tables = chain.chain_tables(load_card("atlas-itk"), calibration_of("atlas-itk"), pileup)
    found = {}
    for name, process in PROCESSES.items():
        batch = events(name) if n_events is None else some(events(name), 0, n_events)
        jets, tracks, images = chain.rows_with_images(batch, process, SEED, tables, TRACKS, PIXELS)
        found |= {f"{name}{mark}": schema.pack_jets(jets[:most]), f"{name}{mark}_tracks": schema.pack_tracks(tracks[:most]),
                  f"{name}{mark}_images": schema.pack_images(images[:most])}
    return found


def versioned(found):
    """Return rows with the version they belong to."""
    from pseudoexp.dataset import schema

    return found | {"dataset_version": schema.DATASET_VERSION}


def builtin_rows():
    """Return the first rows of both classes that a production with the default options writes."""
    from pseudoexp import chain
    from pseudoexp.dataset import schema
    from pseudoexp.production.chunk import PROCESS_NAMES, pack
    from pseudoexp.production.run_config import RunConfig

    config = RunConfig.from_options(2 * ROWS, seed=SEED)
    found = {name: pack(config, process, 0, chain.make_chunk(config, process, 0)).jets[:ROWS]
             for process, name in enumerate(PROCESS_NAMES)}
    identity = config.identity()
    return found | {"dataset_version": schema.DATASET_VERSION, "engine_version": identity["engine_version"]}


MAKERS = {"chain": chain_rows, "pileup": pileup_rows, "builtin": builtin_rows}


def main():
    """Write all sets anew; return the exit code."""
    old = read() if GOLDEN.exists() else {}
    new = {name: maker() for name, maker in MAKERS.items()}
    complaints = [text for name in old if (text := complaint(old[name], new[name]))]
    for text in complaints:
        print(text, file=sys.stderr)
    if not complaints:
        np.savez_compressed(GOLDEN, **{f"{group}-{name}": value for group, one in new.items() for name, value in one.items()})
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
