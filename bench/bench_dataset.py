"""Time of writing a file and of reading it, per row.

    python -m pytest bench/bench_dataset.py --benchmark-only

Rows are zeros; nothing is compressed. `write`: finished chunks in memory put in order, written with hashes and attributes, not
brought to the disk. `load`: the 39 features, mapped, every value summed. `batches`: of 4,096 rows, as a training takes them.
`verify`: every byte against the hashes.
"""

from __future__ import annotations

from collections import deque

import numpy as np
import pytest
from memory import ROWS_PER_CHUNK, empty_chunk

import pseudoexp
from pseudoexp.core.processes import QCD, SIGNAL
from pseudoexp.production.assemble import Order, assemble
from pseudoexp.production.chunk import pack
from pseudoexp.production.run_config import RunConfig

ROWS = 60_000
READERS = {
    "load": lambda path: np.sum(pseudoexp.load(path, split=None).data),
    "batches": lambda path: deque((batch.data for batch in pseudoexp.load(path, split=None).batches(4096)), maxlen=0),
    "verify": pseudoexp.verify,
}


@pytest.fixture(scope="module")
def write():
    """Return what writes a file of ROWS rows."""
    config = RunConfig.from_options(ROWS)
    numbers = range(-(-ROWS // (2 * ROWS_PER_CHUNK)))
    chunks = {(process, k): pack(config, process, k, empty_chunk(config, process, k))
              for process in (SIGNAL, QCD) for k in numbers}
    order = Order.of(config)
    return lambda path: assemble(order, lambda process, k: chunks[process, k], path, "none", lambda done: None)


@pytest.fixture(scope="module")
def path(tmp_path_factory, write):
    """Return a file of ROWS rows."""
    path = tmp_path_factory.mktemp("bench") / "a.h5"
    write(path)
    return path


def test_write(benchmark, rounds, write, tmp_path):
    benchmark.extra_info["rows"] = ROWS
    benchmark.pedantic(write, (tmp_path / "a.h5",), rounds=rounds, warmup_rounds=1)


@pytest.mark.parametrize("reader", READERS)
def test_read(benchmark, rounds, path, reader):
    benchmark.extra_info["rows"] = ROWS
    benchmark.pedantic(READERS[reader], (path,), rounds=rounds, warmup_rounds=1)
