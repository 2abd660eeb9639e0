"""Four-momentum, charge, baryon number and colour in whole events of both processes."""

import numpy as np
import pytest

from pseudoexp.core.processes import QCD, SIGNAL
from pseudoexp.core.species import charge3
from pseudoexp.engines.builtin.chunk import fill_batch
from pseudoexp.engines.builtin.event import EngineWorkspace, engine_tables, engine_workspace
from pseudoexp.engines.builtin.hadron_table import hadron_table, quark_content
from pseudoexp.engines.builtin.hadrons import DECAYED, STABLE
from pseudoexp.engines.builtin.partons import BEAM_ENERGY, FINAL, REMNANT
from pseudoexp.engines.builtin.prospects import WHOLE
from pseudoexp.engines.builtin.records import new_batch, record_workspace

LARGEST = 6000
"""Numbers of the species in `QUANTUM_NUMBERS` are below it; those of excited hadrons have five digits and decay."""
BEAMS = (6, 6)
"""Charge and baryon number of two protons, in thirds."""


def _quantum_numbers() -> np.ndarray:
    """Return charge, baryon number and mass of every species of the table by its number; NaN for what is not in it."""
    table = hadron_table()
    numbers = np.full((2 * LARGEST, 3), np.nan)
    for code, mass in zip(table.pdg_id.tolist(), table.mass.tolist(), strict=True):
        if code < LARGEST:
            baryon = 3 * (len(quark_content(code)) == 3)
            numbers[LARGEST + code] = charge3(code), baryon, mass
            numbers[LARGEST - code] = -charge3(code), -baryon, mass
    return numbers


QUANTUM_NUMBERS = _quantum_numbers()


def violations(ws: EngineWorkspace) -> list[str]:
    """Return what is wrong with the event in `ws`."""
    wrong = []
    n = ws.hadrons.filled[0]
    stable = ws.hadrons.status[:n] == STABLE
    p4, ids = ws.hadrons.p4[:n][stable], ws.hadrons.pdg_id[:n][stable]
    excess = p4.sum(axis=0) - [0.0, 0.0, 0.0, 2.0 * BEAM_ENERGY]
    if not np.abs(excess).max() < 1e-4:
        wrong.append(f"momentum {excess}")
    known = QUANTUM_NUMBERS[np.clip(LARGEST + ids, 0, 2 * LARGEST - 1)]  # NaN at the ends
    if tuple(known[:, :2].sum(axis=0)) != BEAMS:
        wrong.append(f"charge, baryon number {known[:, :2].sum(axis=0)}")
    square = p4[:, 3] ** 2 - (p4[:, :3] ** 2).sum(axis=1)
    if not (np.abs(square - known[:, 2] ** 2) < 1e-6 * (1.0 + p4[:, 3] ** 2)).all():
        wrong.append("off the mass shell")
    mothers = ws.hadrons.mother[:n]
    if not (ws.hadrons.status[mothers[mothers >= 0]] == DECAYED).all() or not (mothers < np.arange(n)).all():
        wrong.append("ancestry")
    last = ws.partons.filled[0]
    coloured = (ws.partons.status[:last] == FINAL) | (ws.partons.status[:last] == REMNANT)
    colour, anticolour = (np.sort(tags[tags > 0]) for tags in ws.partons.colour[:last][coloured].T)
    if colour.tolist() != anticolour.tolist() or len(np.unique(colour)) != len(colour):
        wrong.append("colour")
    return wrong


def violated(process: int, n: int) -> list[tuple[int, list[str]]]:
    """Return events 0 to n - 1 of a process in which something is wrong; what cannot be made counts."""
    tables, ws = engine_tables(process, 150.0, 4.0), engine_workspace(1)
    records, batch = record_workspace(len(ws.hadrons.status)), new_batch(1, 5000, 200)
    unvaried = np.zeros((1, 0))
    found = []
    for event in range(n):
        done, code = fill_batch(process, 0, 11, event, 0, WHOLE, tables, ws, records, batch, unvaried)
        wrong = violations(ws) if done == 1 else [f"code {code}"]
        if wrong:
            found.append((event, wrong))
    return found


@pytest.mark.parametrize("process", [SIGNAL, QCD])
def test_laws_hold(process):
    assert violated(process, 500) == []


@pytest.mark.slow
@pytest.mark.parametrize("process", [SIGNAL, QCD])
def test_laws_hold_in_many_events(process):
    assert violated(process, 50_000) == []
