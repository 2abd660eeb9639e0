"""Decay channels in compressed rows (data: pseudoexp/data/decays_*.toml).

A channel reads [branching ratio, "products", "how"]; without the last, uniform in phase space. Ways:
"v-a" (the first product pairs with the mother, the second with all others: (P p_1) (p_2 p_3)),
"omega" (three pseudoscalars of a vector), "dalitz" (products photon or hadron, then lepton, antilepton of a virtual photon),
"hadrons" with mean and least number (products contain quarks, in colour singlets two by two). Charge conjugation
gives the channels of the antiparticle.
"""

from __future__ import annotations

import tomllib
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pseudoexp.core.elementary import exp
from pseudoexp.core.packed import packed
from pseudoexp.core.species import PHOTON
from pseudoexp.engines.builtin.hadron_table import SOURCE, HadronTable, hadron_table, species_names

FILES = ("decays_light.toml", "decays_charm.toml", "decays_beauty.toml", "decays_tau.toml")
PHASE_SPACE, POLARISED, OMEGA, DALITZ, V_A, HADRONS, PHOTONS = range(7)
"""Ways to decay; POLARISED is every vector that goes to two pseudoscalars, PHOTONS what goes to two photons."""
_WAYS = {"omega": OMEGA, "dalitz": DALITZ, "v-a": V_A, "hadrons": HADRONS}


class DecayTable(NamedTuple):
    """Channels of the rows of the hadron table, the likeliest first."""

    first: NDArray[np.int32]  # (rows + 1,) species i owns channels first[i]:first[i + 1]
    cumulative: NDArray[np.float64]  # (channels,) branching ratios summed up, 1 at the end of a species
    way: NDArray[np.int32]  # (channels,)
    least: NDArray[np.int32]  # (channels,) hadrons, where quarks become hadrons
    mean_extra: NDArray[np.float64]  # (channels,) of the Poisson distribution of their number
    no_event: NDArray[np.float64]  # (channels,) e^-mean
    start: NDArray[np.int32]  # (channels + 1,) channel i owns products start[i]:start[i + 1]
    product: NDArray[np.int32]  # (products,) PDG numbers
    product_row: NDArray[np.int32]  # (products,) of the hadron table, -1 for quarks


class Channel(NamedTuple):
    """One way of one species to decay, as in the data."""

    ratio: float
    products: tuple[int, ...]
    way: int
    mean: float
    least: int


def _channel(entry: list[Any], mother: int, names: dict[str, int], table: HadronTable) -> Channel:
    products = tuple(names[name] for name in entry[1].split())
    way = _WAYS[entry[2]] if len(entry) > 2 else PHASE_SPACE
    if way == PHASE_SPACE and len(products) == 2:
        rows = [int(np.searchsorted(table.pdg_id, abs(p))) for p in (mother, *products)]
        if table.spin_states[rows].tolist() == [3, 1, 1]:
            way = POLARISED
    if products == (PHOTON, PHOTON):
        way = PHOTONS
    mean, least = entry[3:] if way == HADRONS else (0.0, 0)
    return Channel(float(entry[0]), products, way, float(mean), int(least))


@lru_cache(maxsize=1)
def channels() -> dict[int, list[Channel]]:
    """Return the channels of every species that decays, keyed by its (positive) number; ratios as in the data."""
    names, table = species_names(), hadron_table()
    result = {}
    for file in FILES:
        for name, entries in tomllib.loads((SOURCE.parent / file).read_text()).items():
            result[names[name]] = [_channel(entry, names[name], names, table) for entry in entries]
    return result


@lru_cache(maxsize=1)
def decay_table() -> DecayTable:
    """Return the table; branching ratios are normalised to a sum of exactly one."""
    table, listed = hadron_table(), channels()
    first, start = [0], [0]
    flat: list[Channel] = []
    cumulative: list[float] = []
    for code in table.pdg_id:
        mine = sorted(listed.get(int(code), []), key=lambda c: -c.ratio)
        total = sum(c.ratio for c in mine)
        running = np.cumsum([c.ratio / total for c in mine])
        cumulative += [*running[:-1].tolist(), 1.0] if mine else []
        flat += mine
        first.append(len(flat))
    for channel in flat:
        start.append(start[-1] + len(channel.products))
    product = np.array([p for c in flat for p in c.products], np.int32)
    row = np.searchsorted(table.pdg_id, abs(product))
    known = table.pdg_id[np.minimum(row, len(table.pdg_id) - 1)] == abs(product)
    return packed(DecayTable(
        first=np.array(first, np.int32), cumulative=np.array(cumulative), way=np.array([c.way for c in flat], np.int32),
        least=np.array([c.least for c in flat], np.int32), mean_extra=np.array([c.mean for c in flat]),
        no_event=np.array([exp(-c.mean) for c in flat]), start=np.array(start, np.int32), product=product,
        product_row=np.where(known, row, -1).astype(np.int32)))
