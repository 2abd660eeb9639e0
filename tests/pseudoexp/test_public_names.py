"""`import pseudoexp` is quick and compiles nothing; the names arrive when they are used."""

import subprocess
import sys

import pytest

import pseudoexp


def test_import_brings_nothing_heavy():
    code = ("import sys, time; start = time.perf_counter(); import pseudoexp; took = time.perf_counter() - start\n"
            "assert not {'numpy', 'numba', 'h5py', 'scipy', 'typer'} & set(sys.modules)\n"
            "pseudoexp.load; assert not {'numba', 'h5py', 'typer', 'pandas'} & set(sys.modules)\n"
            "print(took)")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert float(done.stdout) < 0.3


def test_names():
    for name in pseudoexp.__all__:
        assert callable(getattr(pseudoexp, name)) and name in dir(pseudoexp)
    with pytest.raises(AttributeError, match="nothing"):
        _ = pseudoexp.nothing
