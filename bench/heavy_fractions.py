"""How many jets hold 0, 1 or more b hadrons, and without b as many c hadrons, in two datasets, in bins of pT.

    python bench/heavy_fractions.py pythia8.h5 builtin.h5

QCD rows count their b hadrons and, where there are none, their c hadrons (those of b decays are not among them then). Prints
Markdown: fraction in the first, in the second, and their ratio with its statistical error.
"""

from __future__ import annotations

import argparse
from itertools import pairwise
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

QCD = 0
MEV = 1000.0
"""What a GeV is in a file."""
EDGES = (250.0, 350.0, 500.0, 750.0, 1000.0, 3000.0)
NAMES = ("0", "1", ">= 2")


def counts(path: Path) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
    """Return pT and the numbers of b and c hadrons of the QCD rows of a file."""
    with h5py.File(path) as file:
        rows = file["jets"].fields(["pt", "GhostHBosonsCount", "GhostBHadronsFinalCount", "GhostCHadronsFinalCount"])[:]
    rows = rows[rows["GhostHBosonsCount"] == QCD]
    return rows["pt"] / MEV, rows["GhostBHadronsFinalCount"], rows["GhostCHadronsFinalCount"]


def fractions(number: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the shares of 0, 1 and more, with their binomial errors."""
    share = np.array([(number == 0).mean(), (number == 1).mean(), (number > 1).mean()])
    return share, np.sqrt(share * (1.0 - share) / len(number))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("first", type=Path)
    parser.add_argument("second", type=Path)
    arguments = parser.parse_args()
    samples = [counts(arguments.first), counts(arguments.second)]
    print("| pT [GeV] | rows | hadrons | first | second | second / first |\n|---|---|---|---|---|---|")
    for low, high in ((EDGES[0], EDGES[-1]), *pairwise(EDGES)):
        for kind in "bc":
            found = []
            for pt, b, c in samples:
                inside = (pt >= low) & (pt < high)
                found.append(b[inside] if kind == "b" else c[inside & (b == 0)])
            (one, error_one), (two, error_two) = map(fractions, found)
            for k, name in enumerate(NAMES):
                ratio = two[k] / one[k]
                error = ratio * np.hypot(error_one[k] / one[k], error_two[k] / two[k])
                print(f"| {low:.0f}-{high:.0f} | {len(found[0])}, {len(found[1])} | {name} {kind} | {one[k]:.4f} | {two[k]:.4f} "
                      f"| {ratio:.3f} +- {error:.3f} |")


if __name__ == "__main__":
    main()
