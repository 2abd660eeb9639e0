"""The built-in engine's rows do not depend on how they are made: same dataset hash, same bytes.

All ways are the commands a user would type, in processes of their own.
"""

import os
import subprocess
import sys
import time

import pytest

import pseudoexp

N = 1500
"""Rows: about six chunks of events of either class, so that there is something to share, and to be killed in between."""
WITHOUT_FMA = "glibc.cpu.hwcaps=-FMA,-FMA4,-AVX2,-AVX2_Usable,-FMA_Usable,-AVX512F"


def start(command, out, *options, environment=()):
    line = [sys.executable, "-m", "pseudoexp", command, *options, "--out", out]
    return subprocess.Popen(list(map(str, line)), env=os.environ | dict(environment), text=True, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE)


def finish(process):
    _, err = process.communicate(timeout=600)
    assert process.returncode == 0, err


def generate(out, *options, environment=()):
    finish(start("generate", out, "--n", N, "--engine", "builtin", "--seed", 5, *options, environment=environment))


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    """The file of one worker."""
    out = tmp_path_factory.mktemp("straight") / "a.h5"
    generate(out, "--threads", 1)
    return out


def through_two_workers(out):
    generate(out, "--threads", 2)


def through_another_mathematical_library(out):
    """The C library's functions without FMA and AVX2."""
    generate(out, "--threads", 2, environment={"GLIBC_TUNABLES": WITHOUT_FMA})


def through_dask(out):
    pytest.importorskip("distributed")
    generate(out, "--dask", "local:2")


def through_shards(out):
    shards = [out.with_name(f"{i}.h5") for i in (1, 2, 3)]
    for i, shard in enumerate(shards, start=1):
        generate(shard, "--shard", f"{i}/3", "--threads", 2)
    finish(start("merge", out, *reversed(shards)))


def through_a_kill(out):
    process = start("generate", out, "--n", N, "--engine", "builtin", "--seed", 5, "--threads", 1)
    while len(list(out.parent.glob("a.h5.parts/*.rows"))) < 2 and process.poll() is None:
        time.sleep(0.001)
    process.kill()
    process.communicate()
    assert process.returncode < 0 and not out.exists(), "it ended too soon to be killed"
    generate(out, "--threads", 1, "--resume")


@pytest.mark.parametrize("way", [
    through_two_workers, through_another_mathematical_library, through_dask, through_shards, through_a_kill],
    ids=lambda way: way.__name__)
def test_same_file(tmp_path, straight, way):
    way(tmp_path / "a.h5")
    expected, found = (pseudoexp.verify(path) for path in (straight, tmp_path / "a.h5"))
    assert found.rows == N and found.dataset_hash == expected.dataset_hash
    assert (tmp_path / "a.h5").read_bytes() == straight.read_bytes()
