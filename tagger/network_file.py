"""What a saved network must be before Keras opens it here: three members, layers of a bounded size, weights that can be read.

The weights are HDF5, whose library a damaged file can break, so a process with limits reads them to their end first. Layers are
built before weights are read: a description of some bytes could ask for all memory, so what it asks for is bounded.
"""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pseudoexp.core.files import MOST_ARRAYS
from pseudoexp.core.limited import ask
from pseudoexp.errors import SchemaError
from tagger import weights_child

MEMBERS = ("config.json", "metadata.json", weights_child.WEIGHTS)
"""What Keras puts into the archive of a network of ours."""
MOST_CONFIG = 1 << 22
"""Bytes of the description; those of ours have some 10 kB."""
MOST_WEIGHTS = 1 << 27
"""Of all layers, as far as their descriptions tell: estimated from above."""
SECONDS = 60.0
"""Wall-clock limit of the process that reads the weights."""
_HARMLESS: set[tuple[int, int, int, int]] = set()
"""Files, see `_identity`, that this process wrote or another one read to the end."""


def written(path: Path) -> None:
    """Remember that this process wrote a file: it need not be looked at before it is read back."""
    _HARMLESS.add(_identity(path))


def checked(path: Path) -> str:
    """Return the description (JSON) of a saved network that Keras may open.

    Raises
    ------
    SchemaError
        If the file is no network of ours, asks for too much memory, or holds weights that cannot be read.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            sizes = [(member.filename, member.file_size) for member in archive.infolist()]
            if sum(size for _, size in sizes) > MOST_ARRAYS or dict(sizes).get("config.json", 0) > MOST_CONFIG:
                raise SchemaError(f"{path}: larger than a network of ours when unpacked; allowed: {MOST_ARRAYS} bytes, "
                                  f"{MOST_CONFIG} of them for config.json")
            names = sorted(name for name, _ in sizes)
            if names != sorted(MEMBERS):
                raise SchemaError(f"{path}: not a network saved by Keras: holds {', '.join(names[:5])}; allowed: "
                                  f"{', '.join(MEMBERS)}")
            config = archive.read("config.json").decode()
        if _identity(path) in _HARMLESS:
            return config
        asked = weights_asked(json.loads(config))
    except (OSError, EOFError, KeyError, ValueError, RuntimeError, zipfile.BadZipFile, zlib.error):  # of zipfile, and deep JSON
        raise SchemaError(f"{path}: not a network saved by Keras, or damaged") from None
    if asked > MOST_WEIGHTS:
        raise SchemaError(f"{path}: its layers may ask for more than {MOST_WEIGHTS} weights; allowed: smaller ones")
    said = ask(weights_child.__file__, str(path.absolute()), seconds=SECONDS)
    if "error" in said:
        raise SchemaError(f"{path}: the weights cannot be read ({said['error']})")
    written(path)
    return config


def weights_asked(content: Any) -> int:
    """Return at most how many weights the layers of a description have: per layer its sizes times the largest so far.

    What is beyond `MOST_WEIGHTS` is not counted to its end.
    """
    total, largest = 0, 1
    for layer in _layers(content):
        config = layer["config"]
        own = [size for key, value in config.items() if key != "seed" for size in _sizes(value)]
        largest = max(largest, *own, *_sizes(layer.get("build_config"), deep=True), 1)
        count = largest
        for size in own:
            count = min(count * size, MOST_WEIGHTS + 1)
        total += count
    return total


def _layers(content: Any) -> Iterator[dict[str, Any]]:
    """Yield whatever has a class and a configuration, outer ones first, in the order of the description."""
    if isinstance(content, dict):
        if "class_name" in content and isinstance(content.get("config"), dict):
            yield content
        content = [value for key, value in content.items() if key != "compile_config"]
    if isinstance(content, list):
        for value in content:
            yield from _layers(value)


def _sizes(value: Any, deep: bool = False) -> list[int]:
    """Return the whole numbers above 1 in a number or in lists, with `deep` in dictionaries too."""
    if isinstance(value, int) and not isinstance(value, bool):
        return [value] if value > 1 else []
    if deep and isinstance(value, dict):
        value = list(value.values())
    return [size for part in value for size in _sizes(part, deep)] if isinstance(value, list) else []


def _identity(path: Path) -> tuple[int, int, int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns
