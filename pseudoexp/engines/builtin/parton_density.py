"""Parton densities of the proton: NNPDF2.3 QCD+QED LO with alpha_s(M_Z) = 0.130 (arXiv:1308.0598).

Tabulated by ``pseudoexp/data/make_parton_density.py`` at the set's own nodes (equidistant in ln x to x = 0.083, in x from
0.1, in ln Q^2 everywhere) and interpolated by cubic polynomials through four nodes each way, in ln x and ln Q^2: the same
as PYTHIA does, so the two agree to the table's seven digits. Below x = 9e-8 and outside 1 GeV < Q < 10 TeV the densities
are frozen (as the source has them), negative values become zero; c and b vanish below their thresholds (b below 4.5 GeV;
of c the cubic leaves 5e-4 below 1.3 GeV, as in PYTHIA).

Everything is x f(x, Q^2). A *column* names a parton: `column(pdg_id)`, 0-4 for bbar ... dbar, 5 for the gluon, 6-10 for
d ... b; column 11 (`EFFECTIVE`) holds g + 4/9 sum(q + qbar), the density that matters to soft scattering. Several densities at
one point are cheapest from one `Place`::

    tables = densities()                                   # once, in Python
    place = find_place(tables, x, q2)                      # x in (0, 1), q2 [GeV^2]
    xg = at_place(tables, place, 5)                        # one column
    place = at_other_x(tables, place, x)                   # the same Q^2, another x: half the work
    xg = density(tables, pdg_id, x, q2)                    # both in one, pdg_id 21 or -5 ... 5
    xeff = density_of_column(tables, EFFECTIVE, x, q2)
    all_densities(tables, x, q2, out)                      # out (12,) float64, all columns
    xu_v = valence(tables, 2, x, q2)                       # u - ubar or d - dbar, 0 for all else
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pseudoexp.core.jit import inline, kernel
from pseudoexp.core.packed import packed
from pseudoexp.engines.builtin.exponential import quick_log

DATA = Path(__file__).resolve().parents[2] / "data" / "parton_density.npz"
GLUON, EFFECTIVE, COLUMNS = 5, 11, 12
"""Columns of the gluon and of the effective density, and how many there are."""
_X_LINEAR = 0.1


class Densities(NamedTuple):
    """x f at the nodes, and what the interpolation needs."""

    values: NDArray[np.float32]  # (nodes in Q, nodes in x, COLUMNS)
    log_x: NDArray[np.float64]
    log_q2: NDArray[np.float64]
    inverse_x: NDArray[np.float64]  # (nodes in x - 3, 4) 1 / prod_(j != k) (node_k - node_j) of each four neighbours
    inverse_q2: NDArray[np.float64]  # (nodes in Q - 3, 4)
    steps: NDArray[np.float64]  # (4,) nodes per ln x, per x, per ln Q^2; the node x = 0.1
    most_quarks: NDArray[np.float32]  # (nodes in Q, nodes in x) largest sum of x f of all quarks at this x or above


class Place(NamedTuple):
    """Where a point (x, Q^2) lies between the nodes: the first of four each way and the weights."""

    first_x: int
    first_q2: int
    x0: float
    x1: float
    x2: float
    x3: float
    q0: float
    q1: float
    q2: float
    q3: float


def _inverse_denominators(nodes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (len(nodes) - 3, 4) inverse denominators of Lagrange's polynomials through four neighbours."""
    four = np.lib.stride_tricks.sliding_window_view(nodes, 4)
    d = four[:, :, None] - four[:, None, :] + np.eye(4)
    return np.ascontiguousarray(1.0 / (d[:, :, 0] * d[:, :, 1] * d[:, :, 2] * d[:, :, 3]))


@lru_cache(maxsize=1)
def densities() -> Densities:
    """Return the tables, read once."""
    with np.load(DATA, allow_pickle=False) as data:
        source, x, log_x, log_q2 = data["values"], data["x"], data["log_x"], data["log_q2"]
    values = np.empty((*source.shape[:2], COLUMNS), np.float32)
    values[:, :, :EFFECTIVE] = source
    quarks = np.zeros(source.shape[:2])
    for k in range(EFFECTIVE):
        if k != GLUON:
            quarks += source[:, :, k]
    values[:, :, EFFECTIVE] = source[:, :, GLUON] + 4.0 / 9.0 * quarks
    linear = int(np.searchsorted(x, _X_LINEAR * (1.0 - 1e-9)))
    steps = np.array([(linear - 1) / (log_x[linear - 1] - log_x[0]), (len(x) - 1 - linear) / (1.0 - x[linear]),
                      (len(log_q2) - 1) / (log_q2[-1] - log_q2[0]), linear])
    most_quarks = np.maximum.accumulate(quarks[:, ::-1], axis=1)[:, ::-1].astype(np.float32)
    return packed(Densities(values, log_x, log_q2, _inverse_denominators(log_x), _inverse_denominators(log_q2), steps,
                            np.ascontiguousarray(most_quarks)))


@inline
def column(pdg_id: int) -> int:
    """Return the column of a gluon (21) or of a quark or antiquark up to b."""
    return GLUON if pdg_id == 21 else pdg_id + GLUON


@inline
def _weights(nodes: NDArray[np.float64], inverse: NDArray[np.float64], first: int, u: float
             ) -> tuple[float, float, float, float]:
    """Return the weights of four neighbouring nodes at u."""
    a, b, c, d = u - nodes[first], u - nodes[first + 1], u - nodes[first + 2], u - nodes[first + 3]
    ab, cd = a * b, c * d
    w = inverse[first]
    return b * cd * w[0], a * cd * w[1], ab * d * w[2], ab * c * w[3]


@inline
def _along_ln_x(tables: Densities, x: float) -> tuple[int, float, float, float, float]:
    """Return the first of the four nodes around x and their weights."""
    u = min(max(quick_log(x), tables.log_x[0]), 0.0)
    if u < tables.log_x[int(tables.steps[3]) - 1]:
        i = int((u - tables.log_x[0]) * tables.steps[0])
    else:
        i = int((x - _X_LINEAR) * tables.steps[1] + tables.steps[3])
    i = min(max(i - 1, 0), len(tables.log_x) - 4)
    x0, x1, x2, x3 = _weights(tables.log_x, tables.inverse_x, i, u)
    return i, x0, x1, x2, x3


@inline
def _along_ln_q2(tables: Densities, q2: float) -> tuple[int, float, float, float, float]:
    """Return the same for Q^2."""
    v = min(max(quick_log(q2), tables.log_q2[0]), tables.log_q2[-1])
    j = min(max(int((v - tables.log_q2[0]) * tables.steps[2]) - 1, 0), len(tables.log_q2) - 4)
    q0, q1, q2_, q3 = _weights(tables.log_q2, tables.inverse_q2, j, v)
    return j, q0, q1, q2_, q3


@kernel
def find_place(tables: Densities, x: float, q2: float) -> Place:
    """Return where (x, Q^2 [GeV^2]) lies; points outside the table are moved to its edge."""
    i, x0, x1, x2, x3 = _along_ln_x(tables, x)
    j, q0, q1, q2_, q3 = _along_ln_q2(tables, q2)
    return Place(i, j, x0, x1, x2, x3, q0, q1, q2_, q3)


@kernel
def at_other_x(tables: Densities, place: Place, x: float) -> Place:
    """Return the place of the same Q^2 and another x."""
    i, x0, x1, x2, x3 = _along_ln_x(tables, x)
    return Place(i, place.first_q2, x0, x1, x2, x3, place.q0, place.q1, place.q2, place.q3)


@kernel
def at_other_scale(tables: Densities, place: Place, q2: float) -> Place:
    """Return the place of the same x and another Q^2 [GeV^2]."""
    j, q0, q1, q2_, q3 = _along_ln_q2(tables, q2)
    return Place(place.first_x, j, place.x0, place.x1, place.x2, place.x3, q0, q1, q2_, q3)


@inline
def _along_x(tables: Densities, place: Place, row: int, k: int) -> float:
    """Return the polynomial in ln x of one column at one node in Q."""
    values, i = tables.values, place.first_x
    return (values[row, i, k] * place.x0 + values[row, i + 1, k] * place.x1 + values[row, i + 2, k] * place.x2
            + values[row, i + 3, k] * place.x3)


@inline
def at_place(tables: Densities, place: Place, k: int) -> float:
    """Return x f of one column."""
    j = place.first_q2
    return max(_along_x(tables, place, j, k) * place.q0 + _along_x(tables, place, j + 1, k) * place.q1
               + _along_x(tables, place, j + 2, k) * place.q2 + _along_x(tables, place, j + 3, k) * place.q3, 0.0)


@inline
def most_quarks_at(tables: Densities, place: Place) -> float:
    """Return a bound of the sum over quarks of x' f(x', Q^2) for all x' >= x."""
    most, i, j = tables.most_quarks, place.first_x, place.first_q2
    return float(max(max(most[j, i], most[j + 1, i]), max(most[j + 2, i], most[j + 3, i])))


@kernel
def density_of_column(tables: Densities, k: int, x: float, q2: float) -> float:
    """Return x f(x, Q^2 [GeV^2]) of one column."""
    return at_place(tables, find_place(tables, x, q2), k)


@kernel
def density(tables: Densities, pdg_id: int, x: float, q2: float) -> float:
    """Return x f(x, Q^2 [GeV^2]) of a gluon (21), a quark or an antiquark (-5 ... 5)."""
    return at_place(tables, find_place(tables, x, q2), column(pdg_id))


@kernel
def all_densities(tables: Densities, x: float, q2: float, out: NDArray[np.float64]) -> None:
    """Fill `out` (COLUMNS,) with x f(x, Q^2 [GeV^2]) of all columns."""
    all_at_place(tables, find_place(tables, x, q2), out)


@kernel
def all_at_place(tables: Densities, place: Place, out: NDArray[np.float64]) -> None:
    """Fill `out` (COLUMNS,) with x f of all columns."""
    values, i, j = tables.values, place.first_x, place.first_q2
    for k in range(COLUMNS):
        out[k] = 0.0
    for row, q in ((j, place.q0), (j + 1, place.q1), (j + 2, place.q2), (j + 3, place.q3)):
        x0, x1, x2, x3 = q * place.x0, q * place.x1, q * place.x2, q * place.x3
        for k in range(COLUMNS):
            out[k] += (values[row, i, k] * x0 + values[row, i + 1, k] * x1 + values[row, i + 2, k] * x2
                       + values[row, i + 3, k] * x3)
    for k in range(COLUMNS):
        out[k] = max(out[k], 0.0)


@kernel
def valence(tables: Densities, pdg_id: int, x: float, q2: float) -> float:
    """Return x (q - qbar) of u (2) and d (1), 0 where it would be negative and for everything else."""
    if pdg_id != 1 and pdg_id != 2:
        return 0.0
    place = find_place(tables, x, q2)
    return max(at_place(tables, place, GLUON + pdg_id) - at_place(tables, place, GLUON - pdg_id), 0.0)
