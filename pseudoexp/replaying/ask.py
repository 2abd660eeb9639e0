"""Starts the process that tells an event's story, and the public `replay`."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import tempfile
from pathlib import Path

from pseudoexp import errors
from pseudoexp.errors import ConfigError, GenerationError, MissingExtra
from pseudoexp.production.run_config import require_engine
from pseudoexp.replaying.request import Request
from pseudoexp.replaying.story import Story

_START = ("import sys, json; sys.path[:] = json.loads(sys.argv[3]); from pathlib import Path; "
          "from pseudoexp.replaying.tell import main; main(Path(sys.argv[1]), Path(sys.argv[2]))")


def ask(request: Request) -> Story:
    """Return the story of an event.

    Raises
    ------
    MissingExtra
        If the engine is not installed.
    GenerationError
        If the event cannot be made.
    """
    require_engine(request.config.engine)
    with tempfile.TemporaryDirectory(prefix="pseudoexp-") as folder:
        asked, answer = Path(folder) / "asked", Path(folder) / "answer"
        asked.write_bytes(pickle.dumps(request))
        command = [sys.executable, "-c", _START, str(asked), str(answer), json.dumps([str(Path(p).resolve()) for p in sys.path])]
        environment = os.environ | {"NUMBA_DISABLE_JIT": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                              env=environment, text=True, check=False)
        if not answer.exists():
            last = (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1]
            raise GenerationError(f"event {request.number}, seed {request.config.seed}: the replay failed ({last})")
        result: Story | tuple[str, str] = pickle.loads(answer.read_bytes())
    if isinstance(result, Story):
        return result
    kind, message = result
    if kind == MissingExtra.__name__:  # made of other arguments
        raise ConfigError(message)
    raise getattr(errors, kind)(message)
