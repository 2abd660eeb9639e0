"""Parquet: a table of plain columns, tracks as lists; units and meanings on the columns, the file's attributes on the schema.

Floats are written without a dictionary, which makes the files a third smaller.
"""

from __future__ import annotations

from typing import Any, BinaryIO

import numpy as np

from pseudoexp.converting.columns import Column, Rows, lengths
from pseudoexp.optional import require_installed

COMPRESSION = "zstd"


def require() -> None:
    """Raise MissingExtra without pyarrow."""
    require_installed("parquet", "pyarrow")


class ParquetFile:
    """Writes rows, one row group per call."""

    def __init__(self, file: BinaryIO, columns: tuple[Column, ...], attributes: dict[str, str]) -> None:
        import pyarrow as pa
        from pyarrow.parquet import ParquetWriter

        self._columns = columns
        self._schema = pa.schema([_field(column) for column in columns], metadata=attributes)
        small = [column for column in columns if column.dtype.kind != "f" and column.dtype.itemsize < 8]
        counted = [f"{column.name}.list.element" if column.jagged else column.name for column in small]
        self._writer = ParquetWriter(file, self._schema, compression=COMPRESSION, use_dictionary=counted)

    def write(self, rows: Rows) -> None:
        """Append rows."""
        import pyarrow as pa

        arrays = [_array(column, rows) for column in self._columns]
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._schema), row_group_size=max(1, len(rows["jets"])))

    def close(self) -> None:
        """Write what stands at the end of the file."""
        self._writer.close()


def _field(column: Column) -> Any:
    import pyarrow as pa

    plain = pa.from_numpy_dtype(column.dtype)
    # a list's items carry the standard's name, with which every reader finds them
    kind = pa.list_(pa.field("element", plain)) if column.jagged else plain
    return pa.field(column.name, kind, metadata={"unit": column.unit, "description": column.description})


def _array(column: Column, rows: Rows) -> Any:
    import pyarrow as pa

    values = pa.array(column.values(rows), from_pandas=False)
    if not column.jagged:
        return values
    ends = np.concatenate([[0], np.cumsum(lengths(rows))]).astype(np.int32)
    return pa.ListArray.from_arrays(ends, values, type=_field(column).type)
