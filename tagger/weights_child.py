"""Reads all weights of a saved network, with limits on memory and time: `python weights_child.py FILE.keras`.

A foreign or damaged file can make the HDF5 library crash, allocate without end or hang. It may do that here, before Keras
opens it.
Prints one JSON object: `arrays`, or `error`.
"""

from __future__ import annotations

import io
import json
import resource
import sys
import zipfile
from typing import Any

MEMORY = 4 << 30
CPU_SECONDS = 20
MOST_BYTES = 1 << 30
MOST_ITEMS = 100_000
WEIGHTS = "model.weights.h5"
FILTERS = {1, 2, 3, 32000}
"""HDF5's numbers of gzip, shuffle, fletcher32 and lzf; others would be looked for as plug-ins on the disk."""


def look(path: str) -> int:
    """Return the number of arrays in the file; raise if anything else is in it, or too much."""
    import h5py

    with zipfile.ZipFile(path) as archive:
        content = archive.read(WEIGHTS)
    with h5py.File(io.BytesIO(content), "r") as file:
        groups, items, arrays, left = [file], 0, 0, MOST_BYTES
        while groups:
            group = groups.pop()
            dict(group.attrs)
            for name in group:
                items += 1
                if items > MOST_ITEMS or not isinstance(group.get(name, getlink=True), h5py.HardLink):
                    raise ValueError(f"more than {MOST_ITEMS} items, or a link elsewhere")
                item = group[name]
                if isinstance(item, h5py.Group):
                    groups.append(item)
                elif isinstance(item, h5py.Dataset):
                    left -= _read(name, item, left)
                    arrays += 1
                else:
                    raise ValueError(f"{name} is no array of numbers")
        return arrays


def _read(name: str, dataset: Any, most: int) -> int:
    """Read an array of numbers to its end and return its bytes."""
    plist = dataset.id.get_create_plist()
    if dataset.external or dataset.is_virtual:
        raise ValueError(f"{name} lies in another file")
    if foreign := {plist.get_filter(i)[0] for i in range(plist.get_nfilters())} - FILTERS:
        raise ValueError(f"{name} is packed by a filter (number {min(foreign)}) that is not gzip or lzf")
    if dataset.size is None or dataset.dtype.kind not in "fiub":
        raise ValueError(f"{name} is no array of numbers")
    size = int(dataset.size) * dataset.dtype.itemsize
    if size > most:
        raise ValueError(f"the arrays are larger than {MOST_BYTES} bytes together")
    dict(dataset.attrs)
    dataset[()]
    return size


def main(path: str) -> None:
    """Print the JSON object for one file."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    try:
        answer: dict[str, Any] = {"arrays": look(path)}
    except MemoryError:
        answer = {"error": "needs too much memory"}
    except Exception as error:
        answer = {"error": str(error).splitlines()[0][:200] if str(error) else type(error).__name__}
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main(sys.argv[1])
