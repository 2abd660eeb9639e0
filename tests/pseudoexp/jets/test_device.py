"""Clustering by CUDA kernels, in numba's simulator: the same functions give the same bits."""

import os
import subprocess
import sys

import pytest
from numba import cuda

from pseudoexp.errors import ConfigError
from pseudoexp.jets import device

COMPARE = """
import numpy as np
from bench_jets import events
from pseudoexp.core.device import on_device
from pseudoexp.core.laps import clock, first_lap, lap, measure, take
from pseudoexp.errors import DataError
from pseudoexp.jets import antikt, device

particles = [p4[:n] for p4, n in zip(events(150), (40, 0, 1, 25), strict=False)]
twin = particles[0].copy()
twin[1::2] = twin[::2]  # pairs of one direction
particles += [twin]
first = np.concatenate([[0], np.cumsum([len(p4) for p4 in particles])]).astype(np.int64)
ws = antikt.cluster_workspace(64)
for radius, power, ptmin in ((0.4, -1, 0.0), (1.0, 1, 5.0)):
    jets = device.cluster_events(np.concatenate(particles), first, radius, power, ptmin)
    for e, p4 in enumerate(particles):
        n = antikt.cluster(p4, len(p4), radius, power, ptmin, ws)
        assert jets.n_jets[e] == n >= min(len(p4), 2 - (ptmin > 0.0)) - 1, (e, n, jets.n_jets[e])
        assert jets.jet_p4[e, :n].tobytes() == ws.jet_p4[:n].tobytes(), (e, radius)
        assert jets.jet_of[e, :len(p4)].tobytes() == ws.jet_of[:len(p4)].tobytes(), (e, radius)
bad = np.concatenate(particles)
bad[-1, 2] = np.nan
try:
    device.cluster_events(bad, first, 0.4, -1, 0.0)
except DataError as error:
    assert str(error) == "event 4: a momentum is not finite", error
else:
    raise AssertionError("NaN was clustered")
measure(True)
on_device(first_lap).fn(clock()), on_device(lap).fn(clock(), 3)
assert take() == {}, "a GPU has no stopwatch"
"""


def test_simulated_gpu_gives_the_bits_of_the_cpu():
    subprocess.run([sys.executable, "-c", COMPARE], check=True, timeout=300,
                   env=os.environ | {"NUMBA_ENABLE_CUDASIM": "1", "PYTHONPATH": os.pathsep.join(sys.path)})


@pytest.mark.skipif(cuda.is_available(), reason="there is a GPU")
def test_no_gpu_is_an_error_in_one_line():
    with pytest.raises(ConfigError, match="no GPU"):
        device.cluster_events([], [0, 0], 0.4, -1, 0.0)
