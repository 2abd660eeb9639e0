"""Tables in one piece of memory: kernels hand on one address, and know every length and offset when they are compiled.

A named tuple of arrays is handed on array by array, address and lengths each. Handing over all tables of the showers took as long
as some of their trials.
"""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np

T = TypeVar("T", bound=tuple[Any, ...])

_LINE = 64
"""Bytes of a cache line, on which the memory begins."""


def packed(table: T) -> T:
    """Return a copy of a table as a record with the same fields.

    Parameters
    ----------
    table : named tuple
        Of arrays, numbers, records, and named tuples of these.

    Returns
    -------
    np.record
        To be read as the tuple; flags are uint8 in it, since numba has no booleans inside of records. The shapes belong to its
        type: kernels are compiled anew for others.

    Raises
    ------
    ValueError
        If a field has the name of something that records have, such as `mean`.
    """
    record: Any = zero_record(_kind(table))
    _fill(record, table)
    return record  # type: ignore[no-any-return]


def unpacked(record: T, kind: type[T]) -> T:
    """Return the fields of a record that `packed` made as a named tuple again: views, flags as booleans."""
    values = (getattr(record, name) for name in kind._fields)  # type: ignore[attr-defined]
    return kind(*(v.view(np.bool_) if isinstance(v, np.ndarray) and v.dtype == np.uint8 else v for v in values))


def zero_record(kind: np.dtype[Any]) -> np.record:
    """Return a record of zeros that begins with a cache line."""
    record: np.record = zero_records(1, kind)[0]
    return record


def zero_records(n: int, kind: np.dtype[Any]) -> np.recarray:
    """Return `n` records of zeros, the first of which begins with a cache line."""
    size = n * kind.itemsize
    memory = np.zeros(size + _LINE, np.uint8)
    begin = -memory.ctypes.data % _LINE
    return memory[begin:begin + size].view(kind).view(np.recarray)


def _kind(value: Any) -> np.dtype[Any]:
    """Return the type that holds a value."""
    if isinstance(value, tuple):
        fields = value._fields  # type: ignore[attr-defined]
        if taken := [name for name in fields if hasattr(np.record, name)]:
            raise ValueError(f"fields {', '.join(taken)}: records have attributes of these names")
        return np.dtype([(name, _kind(inner)) for name, inner in zip(fields, value, strict=True)], align=True)
    if isinstance(value, np.ndarray):
        return np.dtype((np.uint8 if value.dtype == np.bool_ else value.dtype, value.shape))
    return np.asarray(value).dtype


def _fill(record: Any, table: Any) -> None:
    """Copy a table into a record."""
    for name, value in zip(table._fields, table, strict=True):
        if isinstance(value, tuple):
            _fill(record[name], value)
        else:
            record[name] = value
