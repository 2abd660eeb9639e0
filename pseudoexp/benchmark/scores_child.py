"""Reads scores from an HDF5 file inside a process of its own, with limits on memory and time: `python scores_child.py FILE`.

A foreign or damaged file can make the HDF5 library crash, allocate without end or hang. It may do that here.
Writes an .npz archive of the known columns to stdout, or one JSON object with `error`.
"""

from __future__ import annotations

import io
import json
import resource
import sys
from typing import Any

MEMORY = 6 << 30
CPU_SECONDS = 60
MOST_BYTES = 1 << 30
NAMES = ("score", "eventNumber", "jet", "row")
TABLE = "scores"
FILTERS = {1, 2, 3, 32000}
"""HDF5's numbers of gzip, shuffle, fletcher32 and lzf; others would be looked for as plug-ins on the disk."""


def look(path: str) -> dict[str, Any]:
    """Return the columns: datasets of the root, or fields of a compound dataset `scores`."""
    import h5py

    with h5py.File(path, "r") as file:
        items = {name: file[name] for name in (TABLE, *NAMES)
                 if isinstance(file.get(name, getlink=True), h5py.HardLink) and isinstance(file[name], h5py.Dataset)}
        if TABLE in items:
            table = _content(TABLE, items[TABLE])
            return {name: table[name] for name in NAMES if name in (table.dtype.names or ())}
        return {name: _content(name, item) for name, item in items.items()}


def _content(name: str, dataset: Any) -> Any:
    plist = dataset.id.get_create_plist()
    if dataset.external or dataset.is_virtual:
        raise ValueError(f"{name} lies in another file")
    if foreign := {plist.get_filter(i)[0] for i in range(plist.get_nfilters())} - FILTERS:
        raise ValueError(f"{name} is packed by a filter (number {min(foreign)}) that is not gzip or lzf")
    if dataset.size is None or dataset.dtype.hasobject or dataset.size * dataset.dtype.itemsize > MOST_BYTES:
        raise ValueError(f"{name} is no array of numbers, or larger than {MOST_BYTES} bytes")
    return dataset[()]


def main(path: str) -> None:
    """Write the columns of one file to stdout."""
    import numpy as np

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    out = io.BytesIO()
    try:
        np.savez(out, **look(path))
        answer = out.getvalue()
    except MemoryError:
        answer = b'{"error": "needs too much memory"}'
    except Exception as error:
        text = str(error).splitlines()[0] if str(error) else type(error).__name__
        answer = json.dumps({"error": text[:200]}).encode()
    sys.stdout.buffer.write(answer)


if __name__ == "__main__":
    main(sys.argv[1])
