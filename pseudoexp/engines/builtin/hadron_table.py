"""Masses, widths, lifetimes and spins of hadrons, leptons and the photon (data: pseudoexp/data/hadrons.toml).

A *row* is the place of a species and of its antiparticle in the table.
"""

from __future__ import annotations

import tomllib
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pseudoexp.core.jit import inline
from pseudoexp.core.packed import packed
from pseudoexp.core.species import charge3
from pseudoexp.engines.builtin.dice import Dice, throw

SOURCE = Path(__file__).resolve().parents[2] / "data" / "hadrons.toml"
_SLOTS = 1 << 14
_QUANTILES = 512
_GRID = 8192
_MAXIMUM_ENHANCEMENT = 2.5


class HadronTable(NamedTuple):
    """One row per species, in ascending number."""

    slot: NDArray[np.int16]  # (16384,) row of what hashes there
    multiplier: int  # of the hash
    pdg_id: NDArray[np.int32]  # (rows,) positive
    mass: NDArray[np.float64]  # (rows,) GeV
    width: NDArray[np.float64]  # (rows,) GeV, 0 where the mass is not drawn
    mass_low: NDArray[np.float64]  # (rows,) ends of the drawn masses; the mass itself without a width
    mass_high: NDArray[np.float64]  # (rows,)
    ctau: NDArray[np.float64]  # (rows,) mm; 0 for what decays where it is made and for what never decays
    spin_states: NDArray[np.int32]  # (rows,) 2 J + 1
    charge: NDArray[np.int32]  # (rows,) of the particle, in thirds
    baryon: NDArray[np.int32]  # (rows,) baryon number of the particle, in thirds
    own_antiparticle: NDArray[np.bool_]  # (rows,)
    line: NDArray[np.int32]  # (rows,) row of `quantiles`, -1 without a width
    quantiles: NDArray[np.float64]  # (lines, 513) equally probable steps of the drawn mass


@inline
def find_row(table: HadronTable, pdg_id: int) -> int:
    """Return the row of a particle or antiparticle, -1 if the table lacks it."""
    code = np.int64(abs(pdg_id))
    row = int(table.slot[((code * table.multiplier) >> 12) & (_SLOTS - 1)])
    return row if table.pdg_id[row] == code else -1


@inline
def draw_mass(table: HadronTable, row: int, dice: Dice) -> float:
    """Return a mass from the line shape; without a width nothing is thrown.

    The quantiles are joined by straight lines: the density is a histogram of 512 equally probable bins.
    """
    line = table.line[row]
    if line < 0:
        return table.mass[row]
    place = throw(dice) * _QUANTILES
    k = int(place)
    low = table.quantiles[line, k]
    return low + (place - k) * (table.quantiles[line, k + 1] - low)


def line_shape(m: NDArray[np.float64], mass: float, width: float, threshold: float) -> NDArray[np.float64]:
    """Return dN/dm of a relativistic Breit-Wigner, not normalised.

    m Gamma / ((m^2 - mass^2)^2 + m^2 Gamma^2) dm^2, with Gamma = width sqrt((m^2 - t^2) / (mass^2 - t^2)) above the
    threshold t and at most 2.5 times the shape with a constant width (Pythia's choice; with t = 0 the width is constant).
    """
    s, s0 = m * m, mass * mass
    fixed = mass * width / ((s - s0) ** 2 + s0 * width * width)
    if threshold <= 0.0:
        return fixed * m
    gamma = width * np.sqrt(np.maximum(s - threshold**2, 0.0) / (s0 - threshold**2))
    running = m * gamma / ((s - s0) ** 2 + s * gamma * gamma)
    return np.minimum(running, _MAXIMUM_ENHANCEMENT * fixed) * m


def _quantiles(mass: float, width: float, low: float, high: float, threshold: float) -> NDArray[np.float64]:
    edges = np.linspace(low, high, _GRID + 1)
    density = line_shape(edges, mass, width, threshold)
    cumulative = np.concatenate([[0.0], np.cumsum(0.5 * (density[1:] + density[:-1]))])
    wanted = cumulative[-1] / _QUANTILES * np.arange(_QUANTILES + 1)
    return np.interp(wanted, cumulative, edges)


def quark_content(pdg_id: int) -> tuple[int, ...]:
    """Return the quarks of a hadron, antiquarks negative; nothing for leptons, the photon, K0S and K0L."""
    code = abs(pdg_id)
    digits = (code // 10) % 10, (code // 100) % 10, (code // 1000) % 10
    if code < 100 or code in (130, 310) or digits[0] == 0:
        return ()
    sign = 1 if pdg_id > 0 else -1
    if digits[2] == 0:
        heavy, light = digits[1], digits[0]
        if heavy % 2 == 1 and heavy != light:
            heavy, light = light, heavy
        return sign * heavy, -sign * light
    return tuple(sign * d for d in digits)


def _hash(codes: NDArray[np.int64]) -> tuple[int, NDArray[np.int16]]:
    """Return a multiplier that sends every code to a slot of its own, and the slots."""
    for multiplier in range(2654435761, 2654435761 + 2_000_000, 2):
        place = ((codes * multiplier) >> 12) & (_SLOTS - 1)
        if len(np.unique(place)) == len(codes):
            slot = np.zeros(_SLOTS, np.int16)
            slot[place] = np.arange(len(codes))
            return multiplier, slot
    raise AssertionError("no multiplier without collisions")


def _is_own_antiparticle(pdg_id: int) -> bool:
    content = quark_content(pdg_id)
    return pdg_id in (21, 22, 130, 310) or (len(content) == 2 and content[0] == -content[1])


def antiparticle_name(name: str, pdg_id: int) -> str:
    """Return the name of the antiparticle: the other charge for mesons and charged leptons, a tilde before the rest."""
    meson = pdg_id > 100 and pdg_id // 1000 % 10 == 0
    if (meson or pdg_id in (11, 13, 15)) and name[-1] in "+-":
        return name[:-1] + {"+": "-", "-": "+"}[name[-1]]
    return "~" + name


@lru_cache(maxsize=1)
def species_names() -> dict[str, int]:
    """Return the number of every name that decay tables may use; antiparticles and partons included."""
    data = tomllib.loads(SOURCE.read_text())
    names = {}
    for group in ("narrow", "broad", "partons"):
        for name, values in data[group].items():
            names[name] = values[0]
            if not _is_own_antiparticle(values[0]):
                names[antiparticle_name(name, values[0])] = -values[0]
    return names


@lru_cache(maxsize=1)
def hadron_table() -> HadronTable:
    """Return the table."""
    data = tomllib.loads(SOURCE.read_text())
    rows = [(v[0], v[1], 0.0, v[1], v[1], 0.0, v[2] if len(v) > 2 else 0.0) for v in data["narrow"].values()]
    rows += [(*v, 0.0) for v in data["broad"].values()]
    rows.sort()
    codes = np.array([r[0] for r in rows], np.int64)
    multiplier, slot = _hash(codes)
    broad = [r for r in rows if r[2] > 0.0]
    line = np.full(len(rows), -1, np.int32)
    line[[r[2] > 0.0 for r in rows]] = np.arange(len(broad))
    spins = {22: 3, 130: 1, 310: 1}
    return packed(HadronTable(
        slot=slot, multiplier=multiplier, pdg_id=codes.astype(np.int32),
        mass=np.array([r[1] for r in rows]), width=np.array([r[2] for r in rows]),
        mass_low=np.array([r[3] for r in rows]), mass_high=np.array([r[4] for r in rows]),
        ctau=np.array([r[6] for r in rows]),
        spin_states=np.array([spins.get(r[0], r[0] % 10 if r[0] > 100 else 2) for r in rows], np.int32),
        charge=np.array([charge3(r[0]) for r in rows], np.int32),
        baryon=np.array([3 if len(quark_content(r[0])) == 3 else 0 for r in rows], np.int32),
        own_antiparticle=np.array([_is_own_antiparticle(r[0]) for r in rows]),
        line=line, quantiles=np.array([_quantiles(r[1], r[2], r[3], r[4], r[5]) for r in broad])))
