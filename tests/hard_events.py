"""Hard processes drawn in bulk, for the tests."""

from typing import NamedTuple

import numpy as np

from pseudoexp.core.jit import kernel
from pseudoexp.core.rng import event_stream
from pseudoexp.engines.builtin.dice import HARD_PROCESS, Dice, new_dice, throw_from
from pseudoexp.engines.builtin.partons import Partons, Systems, forget_partons, new_partons, new_systems
from pseudoexp.engines.builtin.sampling import (
    HardProcess,
    HardWorkspace,
    hard_process,
    hard_workspace,
    sample_hard_process,
)


class HardEvents(NamedTuple):
    """Rows 0 ... 3 of n events."""

    weight: np.ndarray
    pthat: np.ndarray
    scale: np.ndarray
    x: np.ndarray
    pdg_id: np.ndarray
    colour: np.ndarray
    p4: np.ndarray
    mass: np.ndarray


@kernel
def draw(partons: Partons, systems: Systems, dice: Dice, hard: HardProcess, work: HardWorkspace, process: int, first: int,
         out: HardEvents) -> None:
    """Fill `out` with events `first` and following."""
    for i in range(len(out.weight)):
        throw_from(dice, event_stream(11, process, first + i), HARD_PROCESS, 0)
        forget_partons(partons, systems)
        out.weight[i], out.pthat[i] = sample_hard_process(partons, systems, dice, hard, work)
        out.scale[i] = systems.scale[0]
        out.x[i] = systems.x[0]
        out.pdg_id[i] = partons.pdg_id[:4]
        out.colour[i] = partons.colour[:4]
        out.p4[i] = partons.p4[:4]
        out.mass[i] = partons.mass[:4]


def hard_events(process: int, n: int, pthat_min: float = 150.0, pt_bias: float = 4.0, first: int = 0
                ) -> tuple[HardEvents, HardWorkspace]:
    """Return n events and the workspace with its counts."""
    out = HardEvents(np.zeros(n), np.zeros(n), np.zeros(n), np.zeros((n, 2)), np.zeros((n, 4), np.int32),
                     np.zeros((n, 4, 2), np.int32), np.zeros((n, 4, 4)), np.zeros((n, 4)))
    work = hard_workspace()
    draw(new_partons(4), new_systems(1), new_dice(), hard_process(process, pthat_min, pt_bias), work, process, first, out)
    return out, work
