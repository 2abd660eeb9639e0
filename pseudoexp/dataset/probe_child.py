"""Looks into an HDF5 file inside a process of its own, with limits on memory and time: `python probe_child.py FILE`.

A foreign or damaged file can make the HDF5 library crash, allocate without end or hang. It may do that here.
Prints one JSON object: the layout and the attributes that the package knows, or `error`.
"""

from __future__ import annotations

import json
import resource
import sys
from typing import Any

MEMORY = 4 << 30
CPU_SECONDS = 10
MAX_TEXT = 1_000_000
ATTRIBUTES = ("format_version", "dataset_version", "package_version", "seed", "configuration", "configuration_hash",
              "dataset_hash", "events_tried", "cross_section", "flavour_label", "unique_jets", "jet_counts",
              "shifted_configuration", "shard")
LOCATORS = "block_locators"
DATASETS = ("jets", "jets_shifted", "tracks", "mcEventWeights", "images", "chunks")


def look(path: str) -> dict[str, Any]:
    """Return what the file holds: `datasets` by name, `attributes`, and those of the root alone."""
    import h5py

    with h5py.File(path, "r") as file:
        hard = [name for name in file if isinstance(file.get(name, getlink=True), h5py.HardLink)]
        rows = {name: file[name] for name in hard if name in DATASETS}
        datasets = {name: _layout(name, item) for name, item in rows.items() if isinstance(item, h5py.Dataset)}
        root = _attributes(file)
        attributes = root | (_attributes(rows["jets"]) if "jets" in datasets else {})
        return {"names": sorted(file)[:20], "datasets": datasets, "attributes": attributes, "root": root}


def _attributes(item: Any) -> dict[str, Any]:
    return {name: _plain(item.attrs[name]) for name in ATTRIBUTES if name in item.attrs}


def _layout(name: str, dataset: Any) -> dict[str, Any]:
    if dataset.external:
        raise ValueError(f"the rows of {name} lie in another file")
    if dataset.is_virtual:
        raise ValueError(f"{name} joins several files; read them one by one")
    locators = _plain(dataset.attrs[LOCATORS]) if LOCATORS in dataset.attrs else []
    dtype = dataset.dtype
    fields = [[field, dtype[field].str, dtype.fields[field][1]] for field in dtype.names or ()]
    return {"shape": list(dataset.shape or ()), "fields": fields, "itemsize": dtype.itemsize,
            "offset": dataset.id.get_offset(), "compression": dataset.compression or "none", **_pieces(dataset),
            "locators": locators if isinstance(locators, list) else []}


def _pieces(dataset: Any) -> dict[str, Any]:
    """Return by which filters a dataset is packed, the bytes of an unpacked piece, and whether all pieces are there."""
    plist = dataset.id.get_create_plist()
    filters = [plist.get_filter(i)[0] for i in range(plist.get_nfilters())]
    if not dataset.chunks:
        return {"filters": filters, "chunk_bytes": 0, "allocated": dataset.id.get_offset() is not None or not dataset.size}
    size, pieces = dataset.dtype.itemsize, 1
    for length, piece in zip(dataset.shape, dataset.chunks, strict=True):
        size, pieces = size * piece, pieces * -(-length // piece)
    return {"filters": filters, "chunk_bytes": size, "allocated": dataset.id.get_num_chunks() == pieces}


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    value = value.tolist() if hasattr(value, "tolist") else value
    if len(json.dumps(value)) > MAX_TEXT:
        raise ValueError("an attribute is too long")
    return value


def main(path: str) -> None:
    """Print the JSON object for one file."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    try:
        answer = look(path)
    except MemoryError:
        answer = {"error": "needs too much memory"}
    except Exception as error:
        answer = {"error": str(error).splitlines()[0] if str(error) else type(error).__name__}
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main(sys.argv[1])
