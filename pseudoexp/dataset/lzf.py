"""LZF, the quick packing of h5py, undone.

A stream is a row of instructions (M. Lehmann's liblzf): a first byte below 32 is followed by one more byte than it says, to be
copied; of any other the leading three bits and, where these are all set, the next byte say how many bytes beyond two are to be
repeated, and the other five bits and the byte after them how far back, less one, they were written.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pseudoexp.core.jit import kernel


@kernel
def unpack(packed: NDArray[np.uint8], out: NDArray[np.uint8]) -> bool:
    """Undo the packing of some bytes.

    Parameters
    ----------
    packed : ndarray, shape (n,)
        What was packed.
    out : ndarray, shape (m,)
        Where it goes.

    Returns
    -------
    bool
        Whether it was exactly m bytes; false, too, for what is no such stream. Nothing outside of `out` is touched.
    """
    n, m = len(packed), len(out)
    i = k = 0
    while i < n:
        first = int(packed[i])
        i += 1
        if first < 32:
            count = first + 1
            if i + count > n or k + count > m:
                return False
            for j in range(count):
                out[k + j] = packed[i + j]
            i += count
            k += count
            continue
        count = first >> 5
        if count == 7:
            if i >= n:
                return False
            count += int(packed[i])
            i += 1
        if i >= n:
            return False
        back = ((first & 31) << 8) + int(packed[i]) + 1
        i += 1
        count += 2
        if back > k or k + count > m:
            return False
        for j in range(count):  # may repeat what it has just written
            out[k + j] = out[k + j - back]
        k += count
    return k == m
