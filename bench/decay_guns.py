"""Single particles, decayed many times by the built-in engine and by Pythia; used by tests and comparisons."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pseudoexp.core.jit import kernel
from pseudoexp.core.processes import SIGNAL
from pseudoexp.core.rng import event_stream
from pseudoexp.engines.builtin.decay_table import DecayTable, decay_table
from pseudoexp.engines.builtin.decays import decay_all
from pseudoexp.engines.builtin.dice import HARD_PROCESS, Dice, new_dice, throw_from
from pseudoexp.engines.builtin.hadron_table import HadronTable, draw_mass, find_row, hadron_table
from pseudoexp.engines.builtin.hadrons import STABLE, Hadrons, append_hadron, new_hadrons
from pseudoexp.engines.builtin.phase_space import Products, new_products


class Decays(NamedTuple):
    """Decays of one species, flat: decay i owns rows first[i]:first[i + 1], the mother being the first of them."""

    first: np.ndarray
    pdg_id: np.ndarray
    stable: np.ndarray
    mother: np.ndarray
    mass: np.ndarray
    p4: np.ndarray
    vertex: np.ndarray
    decay_vertex: np.ndarray


@kernel
def _shoot(hadrons: Hadrons, species: HadronTable, decays: DecayTable, products: Products, dice: Dice, pdg_id: int,
           momentum: float, seed: int, out: Decays) -> int:
    k = 0
    for i in range(len(out.first) - 1):
        stream = event_stream(seed, SIGNAL, i)
        hadrons.filled[0] = 0
        throw_from(dice, stream, HARD_PROCESS, 0)
        mass = draw_mass(species, find_row(species, pdg_id), dice)
        energy = np.sqrt(momentum * momentum + mass * mass)
        append_hadron(hadrons, pdg_id, -1, False, 0.6 * momentum, 0.0, 0.8 * momentum, energy, mass)
        n = decay_all(hadrons, species, decays, products, stream, dice)
        if n < 0 or k + n > len(out.pdg_id):
            return -1
        for j in range(n):
            out.pdg_id[k], out.stable[k], out.mother[k] = hadrons.pdg_id[j], hadrons.status[j] == STABLE, hadrons.mother[j]
            out.mass[k] = hadrons.mass[j]
            out.p4[k], out.vertex[k], out.decay_vertex[k] = hadrons.p4[j], hadrons.vertex[j], hadrons.decay_vertex[j]
            k += 1
        out.first[i + 1] = k
    return k


def shoot(pdg_id: int, n: int, momentum: float = 0.0, seed: int = 1, table: DecayTable | None = None) -> Decays:
    """Return n decays of a particle with the given momentum along (0.6, 0, 0.8); `table` in place of the engine's."""
    rows = 60 * n + 200
    out = Decays(np.zeros(n + 1, np.int64), np.zeros(rows, np.int64), np.zeros(rows, np.bool_), np.zeros(rows, np.int64),
                 np.zeros(rows), np.zeros((rows, 4)), np.zeros((rows, 4)), np.zeros((rows, 4)))
    chosen = decay_table() if table is None else table
    filled = _shoot(new_hadrons(400), hadron_table(), chosen, new_products(), new_dice(), pdg_id,
                    momentum, seed, out)
    assert filled >= 0
    return Decays(out.first, *(a[:filled] for a in out[1:]))


def shoot_pythia(pdg_id: int, n: int, seed: int = 7) -> Decays:
    """Return n decays at rest of Pythia's, with what lives longer than c tau = 10 mm left undecayed; no vertices."""
    import pythia8mc

    pythia = pythia8mc.Pythia("", False)
    for setting in ("ProcessLevel:all = off", "ParticleDecays:limitTau0 = on", "ParticleDecays:tau0Max = 10", "Print:quiet = on",
                    "Random:setSeed = on", f"Random:seed = {seed}"):
        pythia.readString(setting)
    pythia.init()
    first, rows = [0], []
    while len(first) <= n:
        event = pythia.event
        event.reset()
        mass = pythia.particleData.mSel(pdg_id)
        event.append(pdg_id, 1, 0, 0, 0.0, 0.0, 0.0, mass, mass)
        if not pythia.next():
            continue
        event = pythia.event
        rows += [(q.id(), q.isFinal(), q.mother1() - 1, q.m(), q.px(), q.py(), q.pz(), q.e())
                 for q in (event[j] for j in range(1, event.size()))]
        first.append(len(rows))
    table = np.array(rows)
    nowhere = np.zeros((len(table), 4))
    return Decays(np.array(first), table[:, 0].astype(np.int64), table[:, 1] > 0, table[:, 2].astype(np.int64), table[:, 3],
                  table[:, 4:], nowhere, nowhere)
