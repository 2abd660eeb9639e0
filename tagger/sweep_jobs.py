"""What each kind of a sweep's jobs does: same rows, same splits, same seeds, epochs counted in total."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Any

import keras
import numpy as np

from pseudoexp.errors import ConfigError, SchemaError
from tagger.data import TaggerData
from tagger.distil import distil
from tagger.evaluate import attributions, logits, versions
from tagger.fixed import breaks_at, scan
from tagger.model import build, moments
from tagger.resize.exhaustive import Candidate, all_choices, all_layouts, area, search
from tagger.resize.retraining import retrain
from tagger.resize.training import Resized, ResizeOptions, prune, resize, select_features
from tagger.robustness import Sample, judge, load_samples
from tagger.runs import Run
from tagger.step_cost import PLAIN, step_costs
from tagger.sweep import Result
from tagger.sweep_forms import RUN, misfit
from tagger.sweep_request import METHODS, Job, Request, digest
from tagger.train import TrainConfig, train

BASE = "base"


class Workbench:
    """Data, full networks and the work itself of one sweep.

    Parameters
    ----------
    request : Request
        What to do.
    folder : Path
        Where the full networks are kept; nothing is written before the first job.
    say : callable
        Called with one line for each trouble.

    Attributes
    ----------
    jobs : list of Job
        All of the request.
    """

    def __init__(self, request: Request, folder: Path, say: Callable[[str], None]) -> None:
        self.request, self.folder, self.say = request, folder, say
        data = TaggerData.load(request.data)
        self.fingerprint = str(data.source.get("dataset_hash") or data.source["rows"])
        self.data = _shortened(data, request.common["rows"])
        self.jobs = request.jobs(self.fingerprint)
        self.plan(0)  # refuses wrong settings before any work

    def plan(self, seed: int, epochs: int | None = None) -> TrainConfig:
        """How to train the full network, or anything for so many epochs."""
        common = self.request.common
        return TrainConfig(hidden=tuple(common["hidden"]), epochs=epochs or common["epochs"], batch=common["batch"],
                           learning_rate=common["learning_rate"], seed=seed, patience=common["patience"])

    def do(self, job: Job) -> Result:
        """Do a job and return its result, JSON types only; `line` says it in a few words."""
        work: dict[str, Callable[[Job], Result]] = {
            "prune": self._prune, "select": self._select, "fixed": self._fixed, "quantise": self._quantise, "luts": self._luts,
            "distil": self._distil, "layouts": self._layouts, "features": self._features, "robustness": self._robustness,
            "steps": self._steps}
        start = time.perf_counter()
        result = {"kind": job.kind, "seed": job.seed, "settings": job.settings, "versions": versions(), **work[job.kind](job),
                  "seconds": round(time.perf_counter() - start, 2), "methods": METHODS, "data": self.data.source}
        keras.utils.clear_session()  # graphs of hundreds of networks would fill the memory
        gc.collect()
        return result

    def base(self, seed: int) -> Run:
        """The full network of a seed, trained once; a damaged folder is moved aside and made again."""
        plan = self.plan(seed)
        name = digest([self.fingerprint, self.request.common["rows"], str(plan)])
        path = self.folder / BASE / f"seed{seed}-{name}"
        if path.exists() or path.is_symlink():
            try:
                return _whole(Run.load(path))
            except SchemaError as error:
                self.say(f"{error}; it is kept as {_set_aside(path).name} and made again")
        made = train(self.data, plan)
        made.gated, made.scores, made.histograms, made.explain = None, {}, {}, None
        made.save(path)
        return made

    def _prune(self, job: Job) -> Result:
        said = job.settings
        if said["method"] == "none":
            full = self.base(_seed(job))
            return _told(full, {"nodes": said["nodes"]}, parent=full)
        untrained = said.get("untrained", False)
        parent = None if untrained else self.base(_seed(job))
        options = ResizeOptions(method=said["method"], where=said["where"], constraint=said["constraint"], cost=said["cost"],
                                rounds=said["rounds"], retrain=said["retrain"], tune=said["tune"])
        plan = self.plan(_seed(job), said.get("epochs") or (None if untrained else self.request.prune_epochs))
        run = prune(parent, self.data, said["nodes"], options, plan)
        told = _told(run, run.config["asked"], [parent] if parent else [], parent)
        return told | ({} if parent else {"full": {"nodes": sum(plan.hidden)}})

    def _select(self, job: Job) -> Result:
        said = job.settings
        options = ResizeOptions(method=said["method"], where="inputs", constraint=said["constraint"], rounds=said["rounds"],
                                retrain=said["retrain"], group_track_jets=said["group_track_jets"])
        run = select_features(self.data, said["features"], options, self.plan(_seed(job)))
        return _told(run, run.config["asked"])

    def _small(self, seed: int, nodes: str | int) -> tuple[Run, ...]:
        """The full network, or what AutoPruner makes of it and the full network."""
        parent = self.base(seed)
        if nodes == "100%":
            return (parent,)
        return prune(parent, self.data, nodes, ResizeOptions(), self.plan(seed, self.request.prune_epochs)), parent

    def _fixed(self, job: Job) -> Result:
        run, *before = self._small(_seed(job), job.settings["nodes"])
        table = scan(run.model, self.data)
        broken = breaks_at(table)
        return _told(run, {}, before) | {"scan": table, "breaks_at": broken, "line": f"breaks at {broken} bits"}

    def _quantise(self, job: Job) -> Result:
        from tagger.quantise import QuantiseOptions, quantised_run

        before = self._small(_seed(job), job.settings["nodes"])
        options = QuantiseOptions(beta=job.settings["beta"], epochs=self.request.common["quantise_epochs"], seed=_seed(job),
                                  batch=self.request.common["batch"],
                                  tolerance=job.settings.get("tolerance", QuantiseOptions.tolerance))
        done = quantised_run(before[0], self.data, options)
        kept = {key: done.metrics["quantisation"][key] for key in ("ebops", "auc", "float_auc", "epoch", "within_tolerance")}
        told = _told(done, {}, before)
        return told | {"quantisation": kept, "left": done.metrics["quantisation"]["left"], "versions": versions("hgq2"),
                       "line": f"{kept['ebops']} EBOPs, {told['line']}"}

    def _luts(self, job: Job) -> Result:
        from tagger.lut_jobs import programs, result, under

        base, method, epochs = self.base(_seed(job)), job.settings["method"], self.request.common["quantise_epochs"]
        found = under(method, job.settings["luts"], base, self.data, self.plan(_seed(job)), epochs)
        return result(found, _told(found["run"], {}, found["before"]), base) | {"versions": programs(method)}

    def _distil(self, job: Job) -> Result:
        said, teacher = job.settings, self.base(_seed(job))
        plan = replace(self.plan(_seed(job)), hidden=tuple(said["hidden"]), soft_share=float(said["share"]),
                       soft_temperature=float(said["temperature"]))
        nodes = None if said["nodes"] == "none" else said["nodes"]
        run = distil(self.data, teacher, plan, nodes)
        return _told(run, run.config["asked"], [teacher])

    def _robustness(self, job: Job) -> Result:
        """A network of the inputs and nodes asked for on other samples, and what it looks at."""
        said, seed, before = job.settings, _seed(job), []
        if said["features"] == "all":
            run, data = self.base(seed), self.data
        else:
            run = select_features(self.data, said["features"], ResizeOptions(where="inputs"), self.plan(seed))
            data = self.data.select(run.inputs)
        if said["nodes"] != "100%":
            before = [run]
            run = prune(run, data, said["nodes"], ResizeOptions(), self.plan(seed, self.request.prune_epochs))
        samples = {sample.name: judge(run, sample) for sample in self.samples}
        return _told(run, {}, before) | {"nominal": run.metrics["weightings"]["benchmark"], "samples": samples,
                                         "attributions": attributions(run.model, data)}

    @cached_property
    def samples(self) -> list[Sample]:
        """The test splits of the other samples, read once."""
        return load_samples(self.request.others)

    def _steps(self, job: Job) -> Result:
        said = job.settings
        seconds = step_costs(self.data, tuple(self.request.common["hidden"]), said["nodes"], said["features"], said["batch"],
                             said["compiled"])
        more = max(seconds[name] / seconds[PLAIN] - 1.0 for name in seconds)
        return {"steps": seconds, "line": f"{1e3 * seconds[PLAIN]:.2f} ms per step, at most {more:+.0%} with gates"}

    def _layouts(self, job: Job) -> Result:
        """All layouts of a small network, and those that AutoPruner finds."""
        hidden, nodes = tuple(job.settings["hidden"]), int(job.settings["nodes"])
        every = tuple(range(len(self.data.inputs)))
        candidates = [Candidate(every, layout) for layout in all_layouts(hidden, nodes)]

        def prune_one(seed: int) -> tuple[Resized, Candidate]:
            plan = replace(self.plan(seed), hidden=hidden)
            model = build(len(every), hidden, *moments(self.data.train.x), seed=seed)
            model, _ = retrain(model, self.data, plan)
            done = resize(model, self.data, nodes, ResizeOptions(), replace(plan, epochs=self.request.prune_epochs))
            return done, Candidate(every, tuple(done.kept["spans"].values()))

        return self._searched(self.data, candidates, prune_one, self.plan(0).epochs + self.request.prune_epochs)

    def _features(self, job: Job) -> Result:
        """All sets of so many inputs, and those that AutoPruner finds."""
        names = job.settings["inputs"] or list(self.data.inputs)
        data, k, hidden = self.data.select(names), int(job.settings["features"]), tuple(job.settings["hidden"])
        candidates = [Candidate(inputs, hidden) for inputs in all_choices(len(names), k)]
        if len(candidates) > 5000:
            raise ConfigError(f"{len(candidates)} sets of {k} out of {len(names)} inputs are too many to try: name fewer inputs")

        def select_one(seed: int) -> tuple[Resized, Candidate]:
            model = build(len(names), hidden, *moments(data.train.x), seed=seed)
            done = resize(model, data, k, ResizeOptions(where="inputs"), replace(self.plan(seed), hidden=hidden), trained=False)
            return done, Candidate(tuple(data.inputs.index(name) for name in done.data.inputs), hidden)

        return self._searched(data, candidates, select_one, self.plan(0).epochs)

    def _searched(self, data: TaggerData, candidates: list[Candidate],
                  resize_one: Callable[[int], tuple[Resized, Candidate]], epochs: int) -> Result:
        """Resize once for each seed and search, both in so many epochs; `own` is the AUC of a network as AutoPruner left it."""
        start, found, own = time.perf_counter(), [], []
        for seed in self.request.seeds:
            done, candidate = resize_one(seed)
            found.append(candidate)
            own.append(area(logits(done.model, done.data.test.x), done.data.test))
        middle = time.perf_counter()
        result = search(data, candidates, found, self.request.seeds, replace(self.plan(self.request.seeds[0]), epochs=epochs))
        for entry, value in zip(result["found"], own, strict=True):
            entry["own"] = value
        result["cost"] = {"found_seconds": round(middle - start, 1), "found_epochs": epochs, "epochs": epochs,
                          "search_seconds": round(time.perf_counter() - middle, 1)}
        ranks = [entry["rank"] for entry in result["found"]]
        best, mine = (np.median([entry["test"] for entry in entries]) for entries in (result["winners"][:1], result["found"]))
        return {"search": result, "line": f"{len(candidates)} tried; best {best:.4f}, found {mine:.4f}, ranks {ranks}"}


def _seed(job: Job) -> int:
    return int(job.seed or 0)


def _shortened(data: TaggerData, rows: int | None) -> TaggerData:
    """The first rows of the training split, and as many per eight of the others."""
    if rows is None:
        return data
    return replace(data, train=data.train.take(slice(0, rows)), source=data.source | {"training_rows": rows})


def _set_aside(path: Path) -> Path:
    """Rename what should be a run folder to a name that is free, and return that."""
    places = (path.with_name(f"{path.name}.damaged{number}") for number in count(1))
    target = next(place for place in places if not place.exists())
    try:
        path.rename(target)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be moved to {target.name} ({error.strerror})") from None
    return target


def _whole(run: Run) -> Run:
    """Refuse a run whose files are in order but lack what a result takes from them."""
    try:
        wrong = misfit(_told(run, {}, parent=run), RUN)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        wrong = str(error)
    if wrong:
        raise SchemaError(f"{run.path}: config.json or metrics.json lacks what a run holds ({wrong:.100})")
    return run


def _told(run: Run, asked: dict[str, Any], before: Sequence[Run] = (), parent: Run | None = None) -> Result:
    """What the report needs of a run; epochs in total and seconds are of its training and of those of the runs `before` it."""
    costs = [one.config["training"] for one in (run, *before)]
    figures = run.metrics["weightings"]["benchmark"]
    model = run.metrics["model"]
    keep = ("rejection", "rejection_error", "rejection_above")
    rejections = {eps: {key: point[key] for key in keep if key in point} for eps, point in figures["rejection"].items()}
    result = {
        "asked": asked, "kept": run.config.get("kept", {}), "inputs": list(run.inputs), "layout": model["layout"],
        "nodes": model["nodes"], "parameters": model["parameters"], "multiplications": model["multiplications"],
        "auc": figures["auc"], "auc_error": figures["auc_error"], "rejection": rejections,
        "flavours": {name: entry.get("rejection", {}).get("0.5") for name, entry in run.metrics["flavours"].items()},
        "pt_bins": [{"low": b["low"], "high": b["high"], "rejection": b.get("rejection", {}).get("0.5")}
                    for b in run.metrics["pt_bins"]],
        "sculpting": {key: run.metrics["mass_sculpting"][key] for key in ("distance", "noise")},
        "epochs": costs[0]["epochs"], "epochs_total": sum(cost["epochs"] for cost in costs),
        "training_seconds": round(sum(cost["seconds"] for cost in costs), 2),
        "line": f"AUC {figures['auc']:.4f}, {model['inputs']}-{'-'.join(map(str, model['layout']))}",
    }
    if parent is not None:
        result["full"] = {"nodes": parent.metrics["model"]["nodes"], "auc": parent.metrics["weightings"]["benchmark"]["auc"]}
    return result
