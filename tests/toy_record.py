"""Event records of a few given particles."""

import numpy as np

from pseudoexp.core.record import EventRecord


def toy_record(p4, pdg_id):
    """Return a record of prompt particles p4 (n, 4) with numbers (n,)."""
    n = len(pdg_id)
    return EventRecord(
        p4, np.zeros((n, 4)), pdg_id, np.full(n, -1, np.int32), np.zeros((0, 4)), np.zeros(0, np.int32), np.zeros((0, 4)),
        np.zeros(0, np.int32), np.zeros(0, np.bool_), np.zeros(4), np.zeros((2, 5)))
