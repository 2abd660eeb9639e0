"""The C simulation of a Vitis HLS project: built by the project's own script, loaded, and asked row by row.

What it runs is the folder's C++, in this process: only for folders written here, or trusted.
"""

from __future__ import annotations

import ctypes
import shutil
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pseudoexp.errors import ConfigError, SchemaError
from tagger.firmware import tools
from tagger.firmware.fixed_point import FixedNetwork
from tagger.firmware.hls import require_compiler
from tagger.firmware.hls_top import ROWS

BUILD_SCRIPT = "build_lib.sh"


class CSimulation:
    """The top function, compiled.

    Parameters
    ----------
    folder : Path
        A project; the library is written into it.
    log : Path
        Gets what the compiler prints.
    origin : Path
        What the project is called in messages.

    Raises
    ------
    ConfigError
        Without g++ or bash.
    GenerationError
        If it does not compile.
    SchemaError
        If what is built is not a project of this version.
    """

    def __init__(self, folder: Path, log: Path, origin: Path) -> None:
        require_compiler()
        if shutil.which("bash") is None:
            raise ConfigError(f"bash is not installed: the C simulation is compiled by {BUILD_SCRIPT}")
        tools.Tool(f"compiling the C simulation ({BUILD_SCRIPT})", ("bash", BUILD_SCRIPT)).run([], folder, log)
        libraries = sorted((folder / "firmware").glob("*.so"))
        if len(libraries) != 1:
            raise SchemaError(f"{origin}: {BUILD_SCRIPT} makes {len(libraries)} libraries, one is needed")
        self._call = getattr(ctypes.CDLL(str(libraries[0].resolve())), ROWS, None)
        if self._call is None:
            raise SchemaError(f"{origin}: the C simulation has no function {ROWS}: written by an earlier version, or damaged; "
                              "export again")
        self._call.argtypes = [ctypes.c_int64, *[ctypes.c_void_p] * 3]
        self._call.restype = None

    def run(self, words: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Return logits (rows,) and decisions (rows,) for scaled inputs (rows, k); the port cuts and saturates them."""
        assert self._call is not None
        given = np.ascontiguousarray(words, dtype=np.float32)
        logits, decisions = np.empty(len(given)), np.empty(len(given), dtype=np.uint8)
        self._call(len(given), given.ctypes.data, logits.ctypes.data, decisions.ctypes.data)
        return logits, decisions != 0


def answers(simulation: CSimulation, network: FixedNetwork,
            x: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return logits (rows,) and decisions (rows,) for raw inputs (rows, k), which the network says how to scale."""
    with np.errstate(over="ignore"):
        return simulation.run(x * np.exp2(network.exponents).astype(np.float32))
