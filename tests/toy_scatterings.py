"""Toy scatterings of two protons, g g -> g g and q g -> q g, for the tests of what comes after them."""

import numpy as np

from pseudoexp.core.jit import kernel
from pseudoexp.core.processes import SIGNAL
from pseudoexp.core.rng import event_stream
from pseudoexp.engines.builtin.beams import REST, decide_origin
from pseudoexp.engines.builtin.dice import REMNANTS, throw_from
from pseudoexp.engines.builtin.parton_density import COLUMNS
from pseudoexp.engines.builtin.partons import BEAM_ENERGY, FINAL, INCOMING, append_parton, new_colour, new_partons, new_systems
from pseudoexp.engines.builtin.primordial_kt import give_momenta
from pseudoexp.engines.builtin.remnants import connect_colours, leave_flavours


@kernel
def leave(event, partons, systems, tables, dice, ws):
    """Do all that happens to remnants but to connect them; False if something fails."""
    throw_from(dice, event_stream(1, SIGNAL, event), REMNANTS, 0)
    rest, work = np.zeros(REST), np.zeros(COLUMNS)
    for side in range(2):
        for system in range(systems.filled[0]):
            decide_origin(system, side, partons, systems, tables, dice, rest, work)
        if leave_flavours(side, partons, systems, dice, ws) < 0:
            return False
    return give_momenta(partons, systems, dice, ws)


@kernel
def connect(event, partons, systems, dice, ws):
    """Connect remnants and scatterings; False if that fails."""
    throw_from(dice, event_stream(1, SIGNAL, event), REMNANTS, 1)
    return connect_colours(0, partons, systems, dice, ws) and connect_colours(1, partons, systems, dice, ws)


def scatter(pairs, seed=1, capacity=200):
    """Return partons and systems of one event; `pairs` holds the PDG numbers that enter each scattering."""
    random = np.random.default_rng(seed)
    partons, systems = new_partons(capacity), new_systems(40)
    for s, (a, b) in enumerate(pairs):
        pt = 200.0 if s == 0 else random.uniform(1.0, 10.0)
        y3, y4, phi = *random.uniform(-2.5, 2.5, 2), random.uniform(0.0, 2.0 * np.pi)
        x = pt / (2.0 * BEAM_ENERGY) * (np.exp(y3) + np.exp(y4)), pt / (2.0 * BEAM_ENERGY) * (np.exp(-y3) + np.exp(-y4))
        incoming, outgoing = _flow(partons, [_colours(partons, pdg_id) for pdg_id in (a, b)])
        first = partons.filled[0]
        for side, pdg_id in enumerate((a, b)):
            e = x[side] * BEAM_ENERGY
            append_parton(partons, pdg_id, INCOMING, -1, s, 0.0, 0.0, e if side == 0 else -e, e, 0.0, *incoming[side])
        for side, (pdg_id, y, sign) in enumerate(((a, y3, 1.0), (b, y4, -1.0))):
            px, py = sign * pt * np.cos(phi), sign * pt * np.sin(phi)
            append_parton(partons, pdg_id, FINAL, first, s, px, py, pt * np.sinh(y), pt * np.cosh(y), 0.0,
                          *outgoing[side])
        systems.incoming[s] = first, first + 1
        systems.x[s] = x
        systems.scale[s] = pt
        systems.filled[0] = s + 1
    return partons, systems


def _colours(partons, pdg_id):
    if pdg_id == 21:
        return [new_colour(partons), new_colour(partons)]
    return [new_colour(partons), 0] if pdg_id > 0 else [0, new_colour(partons)]


def _flow(partons, incoming):
    """Return incoming and outgoing colours: a colour annihilates an anticolour, a new tag joins the outgoing ones."""
    for i, j in ((0, 1), (1, 0)):
        if incoming[i][0] and incoming[j][1]:
            incoming[j][1] = incoming[i][0]
            outgoing = [list(incoming[0]), list(incoming[1])]
            outgoing[i][0] = outgoing[j][1] = new_colour(partons)
            return incoming, outgoing
    return incoming, incoming[::-1]
