"""Runs an ONNX file, with limits on memory and time: `python onnx_child.py MODEL ROWS LOGITS`; rows and logits are .npy files.

A foreign or damaged file can make onnxruntime crash, allocate without end or compute for ever. It may do that here.
Prints one JSON object: the `names` of what the graph takes and gives, or `error`.
"""

from __future__ import annotations

import json
import resource
import sys
from typing import Any

import numpy as np

MEMORY = 4 << 30
FILE = 1 << 28
CPU_SECONDS = 120


def run(model: str, rows: str, logits: str) -> list[str]:
    """Write the logits (rows,) of rows (rows, k), and return the names of the graph's inputs and outputs."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    names = [tensor.name for tensor in (*session.get_inputs(), *session.get_outputs())]
    if len(names) == 2:
        found = session.run(None, {names[0]: np.load(rows, allow_pickle=False)})[0]
        np.save(logits, np.asarray(found, dtype=np.float64).reshape(-1))
    return names


def main(model: str, rows: str, logits: str) -> None:
    """Print the JSON object for one file."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (FILE, FILE))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    try:
        answer: dict[str, Any] = {"names": run(model, rows, logits)}
    except MemoryError:
        answer = {"error": "needs too much memory"}
    except Exception as error:
        answer = {"error": " ".join(str(error).split())[:120] or type(error).__name__}
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main(*sys.argv[1:])
