"""`import pseudoexp` brings nothing heavy, planning no compiler; the names arrive when they are used."""

import subprocess
import sys

import pytest

import pseudoexp


def test_import_brings_nothing_heavy():
    code = ("import sys, pseudoexp\n"
            "assert not {'numpy', 'numba', 'h5py', 'scipy', 'typer'} & set(sys.modules)\n"
            "pseudoexp.load; assert not {'numba', 'h5py', 'typer', 'pandas'} & set(sys.modules)")
    subprocess.run([sys.executable, "-c", code], check=True)


def test_who_hands_out_work_compiles_nothing():
    """The process that starts the workers does without numba, which takes as long to load as all the rest."""
    code = ("import sys, pseudoexp.production.run as run, pseudoexp.cli.generate\n"
            "from pseudoexp.production.run_config import RunConfig\n"
            "run.plan(RunConfig.from_options(20), __import__('pathlib').Path(sys.argv[1]))\n"
            "assert not {'numba', 'scipy', 'awkward'} & set(sys.modules)")
    subprocess.run([sys.executable, "-c", code, "none.h5"], check=True)


def test_names():
    for name in pseudoexp.__all__:
        assert callable(getattr(pseudoexp, name)) and name in dir(pseudoexp)
    with pytest.raises(AttributeError, match="nothing"):
        _ = pseudoexp.nothing
