"""Mother chains of a full event history: which heavy hadron, and whether the Higgs, stands behind a particle.

The history is an array of particles with the row of the (first) mother. A mother stands before her daughters in
everything that happens after the hard collision (final-state showers, strings, decays); only the backwards
initial-state shower lists daughters first, and nothing behind the beams is asked for here. So one pass in row
order settles the nearest heavy ancestor of every particle.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pseudoexp.core.jit import kernel
from pseudoexp.core.species import HIGGS, heavy_flavour


@kernel
def trace(offsets: NDArray[np.int64], pdg_id: NDArray[np.int32], status: NDArray[np.int32],
          mother: NDArray[np.int32], own: NDArray[np.int32], nearest: NDArray[np.int32],
          from_higgs: NDArray[np.bool_], higgs_row: NDArray[np.int64]) -> None:
    """Find heavy particles, heavy ancestors and the last Higgs of each event.

    Parameters
    ----------
    offsets : (events + 1,)
        Event i owns rows offsets[i]:offsets[i + 1].
    pdg_id : (rows,)
        Numbers of the Monte Carlo numbering scheme.
    status : (rows,)
        Positive for final particles.
    mother : (rows,)
        First mother, counted from the event's first row; -1 or a row that is no particle without.
    own : (rows,), filled
        Number of a heavy particle (weakly decaying b or c hadron, tau) within its event, -1 for all others.
    nearest : (rows,), filled
        Number of the nearest heavy ancestor, the particle itself excluded, or -1.
    from_higgs : (rows,), filled
        Whether the particle descends from a Higgs boson.
    higgs_row : (events,), filled
        Row (within the event) of the last copy of the Higgs boson, or -1.
    """
    for event in range(offsets.size - 1):
        first, end = offsets[event], offsets[event + 1]
        higgs_row[event] = -1
        for i in range(first, end):
            nearest[i] = -1
            from_higgs[i] = False
            flavour = heavy_flavour(pdg_id[i])
            own[i] = 0 if flavour > 0 and status[i] <= 0 else -1
            m = first + mother[i]
            if first <= m < i and flavour > 0 and heavy_flavour(pdg_id[m]) == flavour:
                own[m] = -1
            if pdg_id[i] == HIGGS:
                higgs_row[event] = i - first
        count = 0
        for i in range(first, end):
            if own[i] == 0:
                own[i] = count
                count += 1
            m = first + mother[i]
            if first <= m < i:
                nearest[i] = own[m] if own[m] >= 0 else nearest[m]
                from_higgs[i] = from_higgs[m] or pdg_id[m] == HIGGS
