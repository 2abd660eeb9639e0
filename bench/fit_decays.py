"""Move branching ratios of charm or beauty hadrons until inclusive averages agree with Pythia's.

    python bench/fit_decays.py D0 Lambda_c+ > channels.toml

Reads the present channels (pseudoexp/data/decays_*.toml), lets each decay alone, and minimises

    sum ((sum_k w_k f_k - f_Pythia) / tolerance)^2 + sum ((w_k - w_k0) / sigma_k)^2,  w_k >= 0, sum w_k = 1

over the ratios w_k: f are multiplicities, spectra and final states per decay, sigma_k is 10 % for semileptonic channels,
15 % for two bodies, 30 % (at least 0.02) for the rest and 0.1 for quarks that become hadrons. Channels to be tried are
written into the file first, with a small ratio. Prints the new channels; charm comes before beauty, which contains it.
"""

from __future__ import annotations

import argparse

import numpy as np
from decay_averages import features
from decay_guns import shoot, shoot_pythia
from scipy.optimize import nnls

from pseudoexp.engines.builtin.decay_table import HADRONS, V_A, Channel, DecayTable, channels, decay_table
from pseudoexp.engines.builtin.hadron_table import hadron_table, species_names

WAYS = {1: "", 0: "", 2: "omega", 3: "dalitz", V_A: "v-a", HADRONS: "hadrons"}


def freedom(channel: Channel) -> float:
    """Return by how much a ratio may move."""
    ratio = max(channel.ratio, 0.0008)
    if channel.way == V_A or any(11 <= abs(p) <= 16 for p in channel.products):
        return 0.10 * ratio
    if channel.way == HADRONS:
        return 0.1
    return max(0.15 * ratio, 0.002) if len(channel.products) == 2 else max(0.3 * ratio, 0.02)


def alone(table: DecayTable, first: int, last: int, channel: int) -> DecayTable:
    """Return the table with one channel of first..last only."""
    table = table.copy()
    table.cumulative[first:channel], table.cumulative[channel:last] = 0.0, 1.0
    return table


def fitted(code: int, decays: int) -> list[Channel]:
    """Return the channels of a species with their new ratios."""
    wanted, tolerances, topologies = features(shoot_pythia(code, 5 * decays), None)
    table, row = decay_table(), int(np.searchsorted(hadron_table().pdg_id, code))
    first, last = int(table.first[row]), int(table.first[row + 1])
    listed = sorted(channels()[code], key=lambda c: -c.ratio)
    found = [features(shoot(code, decays, table=alone(table, first, last, k)), topologies)[0] for k in range(first, last)]
    ratio = np.array([c.ratio for c in listed]) / sum(c.ratio for c in listed)
    sigma = np.array([freedom(c) for c in listed])
    matrix = np.vstack([np.array(found).T / tolerances[:, None], np.diag(1.0 / sigma), np.full((1, len(ratio)), 1e4)])
    new, _ = nnls(matrix, np.concatenate([wanted / tolerances, ratio / sigma, [1e4]]), maxiter=100_000)
    return [c._replace(ratio=float(w / new.sum())) for c, w in zip(listed, new, strict=True) if w > 1e-4]


def main() -> None:
    """Print the new channels of every species named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("species", nargs="+", help="names as in pseudoexp/data/hadrons.toml")
    parser.add_argument("--decays", type=int, default=4000, help="of every channel")
    options = parser.parse_args()
    names = species_names()
    name_of = {code: name for name, code in names.items()}
    for name in options.species:
        print(f'\n"{name}" = [')
        for c in fitted(names[name], options.decays):
            how = f', "{WAYS[c.way]}"' if WAYS[c.way] else ""
            how += f", {c.mean:g}, {c.least}" if c.way == HADRONS else ""
            print(f'    [{c.ratio:.5f}, "{" ".join(name_of[p] for p in c.products)}"{how}],')
        print("]")


if __name__ == "__main__":
    main()
