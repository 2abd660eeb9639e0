"""Decays of single particles: the built-in engine beside Pythia.

    python bench/compare_decays.py 521 511 531 5122 421 411 431 4122
    python bench/compare_decays.py 15 --decays 5000

For every species: averages per decay in the rest frame, both engines, the ratio, and the difference over its error.
"""

from __future__ import annotations

import argparse

import numpy as np
from decay_averages import averages
from decay_guns import shoot, shoot_pythia

from pseudoexp.engines.builtin.hadron_table import hadron_table


def main() -> None:
    """Print one table per species."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("species", type=int, nargs="+", help="PDG numbers")
    parser.add_argument("--decays", type=int, default=20_000)
    options = parser.parse_args()
    table = hadron_table()
    for code in options.species:
        ours, theirs = averages(shoot(code, options.decays)), averages(shoot_pythia(code, options.decays))
        print(f"\n{code}: c tau {table.ctau[np.searchsorted(table.pdg_id, abs(code))]:.4g} mm")
        print(f"{'':22}{'built-in':>10}{'Pythia':>10}{'ratio':>8}{'pull':>7}")
        for name in [name for name in theirs if name in ours]:
            (a, da), (b, db) = ours[name], theirs[name]
            error = np.hypot(da, db)
            print(f"{name:22}{a:10.4f}{b:10.4f}{a / b if b else np.nan:8.3f}{(a - b) / error if error else 0.0:7.1f}")


if __name__ == "__main__":
    main()
