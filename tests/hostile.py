"""Reads files that nobody should trust, in a process with little memory: `python hostile.py KIND FILE...`.

Prints one line of JSON per file: its name and what came of it: "read", "refused: ..." for an error of ours, or anything else that
should not be. Python runs the kernels, so that an index out of bounds shows.
"""

import faulthandler
import json
import os
import resource
import signal
import sys
from importlib import import_module
from pathlib import Path

SECONDS = 120
MEMORY = 6 << 30


def read_card(path):
    from pseudoexp.config import load_card

    load_card(path)


def read_limits(path):
    from pseudoexp.validation.limits import load_limits

    load_limits(path)


def read_dataset(path):
    import numpy as np

    import pseudoexp
    from pseudoexp.cli.info import text

    text(pseudoexp.info(path))
    for options in ({}, {"split": None}, {"weight": "physical", "split": "test"}):
        loaded = pseudoexp.load(path, **options)
        np.asarray(loaded.data).sum()
    for _ in pseudoexp.load(path, None).batches(500):
        pass
    pseudoexp.verify(path)


def read_scores(path):
    from pseudoexp.benchmark.scores import read_scores as read

    read(path)


def read_result(path):
    from pseudoexp.benchmark.results import read_result as read
    from pseudoexp.benchmark.table import table

    table([read(path)])


def read_hepmc(path):
    from pseudoexp.engines.hepmc.chunk import generate_chunk
    from pseudoexp.engines.hepmc.index import index_of
    from pseudoexp.engines.settings import EngineSettings

    index = index_of(path)
    _ = index.options, index.scale
    generate_chunk(0, 1, 0, min(index.events, 50), EngineSettings(hepmc_signal=str(path)))


def read_calibration(path):
    from pseudoexp.calibration import load

    load(Path(path))


def read_run(path):
    from tagger.runs import Run

    Run.load(path, with_model=False)


def read_network(path):
    from tagger.runs import load_model

    load_model(path)


def read_firmware(path):
    import numpy as np

    from tagger.firmware import hls, simulation
    from tagger.firmware.recheck import recheck

    class Silent(simulation.Simulation):
        """Reads a folder's Verilog as far as nothing is compiled."""

        def __init__(self, sources, ports, build, log):
            self.ports = ports

        def run(self, words):
            return np.zeros(len(words), np.int64), np.zeros(len(words), bool)

    simulation.Simulation, hls.require_compiler = Silent, lambda: None
    recheck(path)


IMPORTS = {"network": ("keras",)}
"""Kind -> what takes longer to import than a file may take to read, on a busy machine."""


def main(kind, paths):
    from pseudoexp.errors import PseudoexpError

    for module in IMPORTS.get(kind, ()):
        import_module(module)
    faulthandler.disable()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    for path in paths:
        signal.alarm(SECONDS)
        try:
            globals()[f"read_{kind}"](path)
            outcome = "read"
        except PseudoexpError as error:
            outcome = f"refused: {error}"
        except BaseException as error:
            outcome = f"{type(error).__name__}: {error}"
        print(json.dumps([path, outcome]), flush=True)
    signal.alarm(0)


if __name__ == "__main__":
    os.environ["NUMBA_DISABLE_JIT"] = "1"
    main(sys.argv[1], sys.argv[2:])
