"""Time of one event and of batches: onnxruntime beside numpy and Keras, on one thread, in one process, taking turns.

    python bench/bench_inference.py [RUN] [--batch 4096] [--repeats 300]

Without a run a fresh 39-64-32-16-1 network is timed: the numbers of a network do not change its time. Where onnxruntime
has a provider for a GPU it is timed as well. Prints medians and 99 % quantiles, and ratios to onnxruntime on the CPU.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
    os.environ[threads] = "1"

import numpy as np  # noqa: E402
from numpy.typing import NDArray  # noqa: E402

from pseudoexp.optional import require  # noqa: E402
from tagger.firmware.onnx_graph import EXTRA, INPUT, OUTPUT, Session, to_onnx  # noqa: E402
from tagger.model import build, dense_layers, fold_normalisation, normalisation_of  # noqa: E402

Answer = Callable[[NDArray[np.float32]], Any]
CPU = "CPUExecutionProvider"


def in_numpy(model: Any) -> Answer:
    """The network with its normalisation folded, float32 matrices."""
    layers = [[np.asarray(w, dtype=np.float32) for w in layer.get_weights()]
              for layer in dense_layers(fold_normalisation(model))]

    def answer(x: NDArray[np.float32]) -> NDArray[np.float32]:
        for kernel, bias in layers[:-1]:
            x = np.maximum(x @ kernel + bias, np.float32(0.0))
        return x @ layers[-1][0] + layers[-1][1]

    return answer


def candidates(model: Any, folder: Path) -> dict[str, Answer]:
    """All that answers, by name; onnxruntime on the CPU comes first."""
    import tensorflow as tf

    path = folder / "model.onnx"
    path.write_bytes(to_onnx(model).SerializeToString())
    found: dict[str, Answer] = {}
    for provider in (CPU, "CUDAExecutionProvider", "TensorrtExecutionProvider"):
        if provider in require("onnxruntime", EXTRA).get_available_providers():
            found[f"onnxruntime {provider.removesuffix('ExecutionProvider')}"] = _raw(Session(path, (provider,)).session.run)
    compiled = tf.function(model, reduce_retracing=True)
    return found | {"numpy": in_numpy(model), "Keras, tf.function": lambda x: compiled(tf.constant(x)).numpy(),
                    "Keras, predict": lambda x: model.predict(x, verbose=0, batch_size=len(x))}


def _raw(run: Callable[..., Any]) -> Answer:
    return lambda x: run([OUTPUT], {INPUT: x})[0]


def times(answers: dict[str, Answer], x: NDArray[np.float32], repeats: int) -> dict[str, NDArray[np.float64]]:
    """Seconds of each call, all taking turns; the slow ones are asked less often."""
    found: dict[str, list[float]] = {name: [] for name in answers}
    for answer in answers.values():
        answer(x)
        answer(x)
    for i in range(repeats):
        for name, answer in answers.items():
            if name == "Keras, predict" and i % 20:
                continue
            start = time.perf_counter()
            answer(x)
            found[name].append(time.perf_counter() - start)
    return {name: np.array(values) for name, values in found.items()}


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", nargs="?", help="run folder of a float network")
    parser.add_argument("--batch", type=int, default=4096)
    parser.add_argument("--repeats", type=int, default=300)
    said = parser.parse_args()
    if said.run:
        from tagger.runs import Run

        model = Run.load(said.run).model
    else:
        model = build(39, (64, 32, 16))
    mean, deviation = normalisation_of(model)
    x = (mean + deviation * np.random.default_rng(1).normal(size=(said.batch, len(mean)))).astype(np.float32)
    with tempfile.TemporaryDirectory() as folder:
        answers = candidates(model, Path(folder))
        expected = np.asarray(answers["numpy"](x), dtype=np.float64).reshape(-1)
        for name, answer in answers.items():
            gap = np.abs(np.asarray(answer(x)).reshape(-1) - expected).max()
            assert gap < 1e-3 * max(1.0, np.abs(expected).max()), f"{name} differs by {gap}"
        for rows, repeats in ((1, said.repeats * 5), (said.batch, said.repeats)):
            measured = times(answers, x[:rows], repeats)
            first = np.median(measured[f"onnxruntime {CPU.removesuffix('ExecutionProvider')}"])
            print(f"{rows} rows      median us/row   99 % us/row   events/s      ratio to onnxruntime")
            for name, values in measured.items():
                middle, worst = np.median(values), np.quantile(values, 0.99)
                print(f"  {name:22s} {1e6 * middle / rows:10.3f} {1e6 * worst / rows:13.3f} {rows / middle:12.3g} "
                      f"{middle / first:12.2f}")


if __name__ == "__main__":
    main()
