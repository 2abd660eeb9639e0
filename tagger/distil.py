"""Distillation: a small network learns from the logits of a large one beside the labels.

G. Hinton, O. Vinyals, J. Dean, "Distilling the Knowledge in a Neural Network", arXiv:1503.02531: with the logits of both
divided by a temperature T the teacher's share of the loss is T^2 times their cross-entropy. The student may be a small
layout of its own, or a larger one that AutoPruner makes smaller while it learns; its inputs may be some of the teacher's.
"""

from __future__ import annotations

import time
from dataclasses import asdict, replace
from typing import Any

from pseudoexp.errors import ConfigError
from tagger.data import SPLITS, TaggerData
from tagger.evaluate import logits, to_run
from tagger.model import build, import_keras, moments
from tagger.runs import Run
from tagger.train import Report, TrainConfig, fit, progress, training_cost


def taught(data: TaggerData, teacher: Run) -> TaggerData:
    """Return the same rows with the teacher's logits beside them.

    Parameters
    ----------
    data : TaggerData
        With at least the teacher's inputs.
    teacher : Run
        With its network.

    Raises
    ------
    ConfigError
        If the run was loaded without its network, or an input of the teacher is missing.
    """
    if teacher.model is None:
        raise ConfigError(f"run {teacher.name} was loaded without its network")
    seen = data.select(teacher.inputs)
    splits: dict[str, Any] = {name: replace(data.split(name), soft=logits(teacher.model, seen.split(name).x))
                              for name in SPLITS}
    return replace(data, **splits)


def distil(data: TaggerData, teacher: Run, config: TrainConfig | None = None, nodes: int | str | None = None,
           method: str = "autopruner", report: Report | None = None) -> Run:
    """Train a student of a teacher and judge it on the test split.

    Parameters
    ----------
    data : TaggerData
        With at least the inputs of teacher and student.
    teacher : Run
        With its network; it is not changed.
    config : TrainConfig, optional
        Layout and inputs of the student, how to train it, and the teacher's share of the loss.
    nodes : int or str, optional
        Resize the student to so many hidden nodes in the same training.
    method : str
        Of the resizing.
    report : callable, optional
        Called after each epoch.

    Returns
    -------
    Run
        Not saved yet.
    """
    config = config or TrainConfig(hidden=(16, 8))
    rows = taught(data, teacher)
    rows = rows.select(config.inputs or teacher.inputs)
    start = time.perf_counter()
    import_keras().utils.set_random_seed(config.seed)
    model = build(len(rows.inputs), config.hidden, *moments(rows.train.x), seed=config.seed)
    options = asdict(config) | {"inputs": list(rows.inputs)}
    said: dict[str, Any] = {"command": "distil", "options": options, "parent": str(teacher.path or "")}
    if nodes is None:
        history = fit(model, rows, config, [progress(config.epochs, report)] if report else [])
        return to_run(model, rows, said | {"asked": {}, "training": training_cost(history, start)}, history)
    from tagger.resize.training import ResizeOptions, resize

    done = resize(model, rows, nodes, ResizeOptions(method=method), config, report, trained=False)
    asked = done.asked | {"method": method, "where": "hidden"}
    cost = training_cost(done.history, start)
    run = to_run(done.model, done.data, said | {"asked": asked, "kept": done.kept, "training": cost}, done.history, done.gated)
    run.metrics["resize"] = {"asked": asked, "kept": done.kept, "training": cost, "layout": done.kept["spans"]}
    return run
