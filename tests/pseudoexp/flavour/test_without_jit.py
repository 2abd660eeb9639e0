"""The kernels are plain Python too: the same numbers with the compiler switched off (where bounds are checked)."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np

SCRIPT = """
import numpy as np
from flavour_toys import SETTINGS, axis_p4, b_jet, rows_of, tracks_of, vertex_at
from pseudoexp.flavour.ip3d import ip3d
from pseudoexp.flavour.jetfitter import jetfitter
from pseudoexp.flavour.sv1 import sv1
from pseudoexp.flavour.templates import EDGES_D0, EDGES_Z0, SIGMA_COT, SIGMA_PT, blank_templates
from pseudoexp.flavour.two_track import prepare_jet
from pseudoexp.flavour.workspace import flavour_workspace

templates = blank_templates(np.full((SIGMA_PT.size + 1, SIGMA_COT.size + 1), 0.015))
templates.bc[:] = np.arange(templates.bc.size).reshape(templates.bc.shape) * 1e-4
tracks = tracks_of(b_jet(np.random.default_rng(4))[0], np.random.default_rng(4))
rows, ws, out = rows_of(tracks), flavour_workspace(tracks.pt.size), np.zeros(16)
jet, vertex = axis_p4(60.0, 0.6, 0.4), vertex_at((0.01, -0.01, 5.0))
assert prepare_jet(tracks, rows, tracks.pt.size, jet, vertex, SETTINGS, ws) == 0
out[:3] = ip3d(tracks, rows, tracks.pt.size, templates, ws)
sv1(tracks, rows, tracks.pt.size, jet, vertex, SETTINGS, ws, out[3:9])
jetfitter(tracks, rows, tracks.pt.size, jet, vertex, SETTINGS, ws, out[9:])
print(" ".join(x.hex() for x in out.tolist()))
"""


def run(**environment):
    paths = [str(Path(__file__).parent), *sys.path]
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True,
                          env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), **environment})
    return [float.fromhex(x) for x in done.stdout.split()]


def test_same_bits_without_the_compiler():
    plain = run(NUMBA_DISABLE_JIT="1")
    assert np.count_nonzero(plain) > 12
    assert plain == run()
