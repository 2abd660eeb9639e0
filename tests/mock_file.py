"""A made-up file with the real layout, through the real writer: correlated, class-separating features.

Nothing in it is physics. It is quick to make and learnable: b-tagging inputs separate the classes through one
hidden quality per track jet, kinematics separate them a little, some inputs not at all.
"""

from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from pseudoexp.dataset import schema
from pseudoexp.dataset.metadata import Provenance, Tally
from pseudoexp.dataset.writer import FileWriter, publish

EVENTS_PER_ROW = 2


def mock_jets(n: int, seed: int = 1, separation: float = 1.0, signal_fraction: float = 0.5) -> NDArray[np.float64]:
    """Return n rows in the chain's units (n, fields); rows alternate between the classes as in real files.

    `separation` scales the distance of the classes: 0 none, 1 an AUC of about 0.97 on all 39 inputs.
    """
    rng = np.random.default_rng(seed)
    steps = np.floor(np.arange(n + 1) * signal_fraction)
    signal = steps[1:] > steps[:-1]
    column = {f.name: np.zeros(n) for f in schema.JET_FIELDS}
    s = separation * signal
    column["pt"] = 250 + rng.exponential(150, n)
    column["eta"] = rng.normal(0, 0.8, n).clip(-1.99, 1.99)
    column["mass"] = np.where(signal & (rng.random(n) < separation), rng.normal(118, 15, n), rng.gamma(4, 22, n) + 10)
    for i in (1, 2):
        _fill_track_jet(column, f"vr{i}_", s, rng, n)
    column["vr2_pt"] = np.minimum(column["vr2_pt"], column["vr1_pt"])
    _fill_extras(column, signal, rng, n)
    return np.stack([column[f.name] for f in schema.JET_FIELDS], axis=1)


def _fill_track_jet(column: dict[str, NDArray[np.float64]], p: str, s: NDArray[np.float64],
                    rng: np.random.Generator, n: int) -> None:
    quality = rng.normal(0, 1, n) + 1.8 * s
    column[p + "pt"] = 10 + column["pt"] * rng.beta(2, 3 if p == "vr1_" else 6, n)
    column[p + "eta"] = column["eta"] + rng.normal(0, 0.3, n)
    column[p + "ip3d_bc"] = 1.2 * quality + rng.normal(0, 1, n)
    column[p + "ip3d_cu"] = 1.5 * quality + rng.normal(0, 1, n)
    column[p + "ip3d_bu"] = column[p + "ip3d_bc"] + column[p + "ip3d_cu"]
    found = quality + rng.normal(0, 0.7, n) > 0.7
    column[p + "has_sv"] = found
    ntrk = 2 + rng.poisson(np.exp(0.4 * quality).clip(0, 20))
    decay = {"sv1_mass": 0.3 + np.exp(0.35 * quality + rng.normal(0, 0.4, n)), "sv1_efrac": rng.beta(2 + s, 2, n),
             "sv1_ntrk": ntrk, "sv1_l3d": rng.exponential(3 + 2 * s), "sv1_sig3d": np.exp(1 + 0.6 * quality),
             "sv1_dr": rng.exponential(0.05, n), "jf_mass": 0.3 + np.exp(0.3 * quality + rng.normal(0, 0.5, n)),
             "jf_efrac": rng.beta(2 + s, 2, n), "jf_sig3d": np.exp(1 + 0.5 * quality + rng.normal(0, 0.3, n)),
             "jf_nvtx": 1 + (quality > 2), "jf_nsingle": rng.poisson(0.4 + 0.3 * s), "jf_ntrk": ntrk,
             "jf_dr": rng.exponential(0.05, n)}
    for name, values in decay.items():
        column[p + name] = np.where(found, values, 0.0)
    label = rng.choice([0, 4, 5], size=n, p=[0.88, 0.08, 0.04])
    column[p + "truth_label"] = np.where(s > 0, 5, label)
    column[p + "n_b"] = column[p + "truth_label"] == 5
    column[p + "n_c"] = column[p + "truth_label"] >= 4
    column[p + "hadron_pt"] = np.where(column[p + "truth_label"] > 0, 0.7 * column[p + "pt"], 0)
    column[p + "reff"] = np.clip(30 / column[p + "pt"], 0.02, 0.4)


def _fill_extras(column: dict[str, NDArray[np.float64]], signal: NDArray[np.bool_], rng: np.random.Generator,
                 n: int) -> None:
    for process, rows in ((0, np.flatnonzero(signal)), (1, np.flatnonzero(~signal))):
        events = EVENTS_PER_ROW * np.arange(len(rows)) + rng.integers(0, EVENTS_PER_ROW, len(rows))
        column["eventNumber"][rows] = schema.file_event_number(process, events)
    column["flavour_label"] = np.where(signal, 0, 1)
    column["R10TruthLabel_R22v1"] = np.where(signal, 11, 10)
    column["GhostHBosonsCount"] = signal
    column["GhostBHadronsFinalCount"] = column["vr1_n_b"] + column["vr2_n_b"]
    column["GhostCHadronsFinalCount"] = column["vr1_n_c"] + column["vr2_n_c"]
    column["mcEventWeight"] = (column["pt"] / 250) ** -4 * np.where(signal, 1e-3, 1e5)
    column["benchmarkWeight"] = np.where(signal, 0.5 / max(signal.mean(), 1e-9), 0.5 / max(1 - signal.mean(), 1e-9))
    column["truthHiggsPt"] = np.where(signal, column["pt"], 0)
    column["truthHiggsMass"] = np.where(signal, 125.0, 0)
    column["ptHat"] = 0.9 * column["pt"]
    column["dR_vr1_vr2"] = rng.gamma(5, 0.12, n)
    column["tau21"] = rng.beta(4 - 2 * signal, 4, n)
    column["D2"] = rng.gamma(4, 0.5 - 0.2 * signal, n)
    column["massUntrimmed"] = 1.1 * column["mass"]


def mock_tracks(n: int, tracks: int, seed: int = 1) -> NDArray[np.float64]:
    """Return (n, tracks, fields) in the chain's units, NaN where padded."""
    rng = np.random.default_rng(seed + 1000)
    matrix = rng.normal(0, 1, (n, tracks, len(schema.TRACK_FIELDS)))
    for name in ("valid", "vr_jet", "ftagTruthOriginLabel", "ftagTruthVertexIndex"):
        matrix[..., schema.track_column(name)] = 1
    matrix[np.arange(tracks) >= rng.integers(2, tracks + 1, n)[:, None]] = np.nan
    return matrix


def mock_images(signal: NDArray[np.bool_], pixels: int, seed: int = 1) -> NDArray[np.float64]:
    """Return (n, pixels, pixels, layers) [GeV]: towers near one axis, and near a second one where it is signal."""
    rng = np.random.default_rng(seed + 2000)
    towers, n = 30, len(signal)
    axis = rng.normal(0.0, 0.2, (n, 1, 2)) * [[[1.0, 1.0]]]
    second = (np.arange(towers) % 2 == 1)[None, :] & signal[:, None]
    place = rng.normal(0.0, 0.1, (n, towers, 2)) + np.where(second[..., None], -axis + 0.4, axis)
    cell = np.clip(((place + 1.0) * pixels / 2.0).astype(int), 0, pixels - 1)
    out = np.zeros((n, pixels, pixels, len(schema.IMAGE_FIELDS)))
    rows = np.repeat(np.arange(n), towers)
    np.add.at(out, (rows, cell[..., 0].ravel(), cell[..., 1].ravel(), rng.integers(0, 2, n * towers)),
              rng.exponential(10.0, n * towers))
    return out


def mock_file(path: Path | str, n: int = 2000, seed: int = 1, separation: float = 1.0, *,
              signal_fraction: float = 0.5, tracks: int = 0, images: int = 0, compression: str = "none",
              configuration: str = '{"engine":"mock"}') -> Path:
    """Write a made-up file of n rows with its sidecar and return its path."""
    path = Path(path)
    matrix = mock_jets(n, seed, separation, signal_fraction)
    provenance = Provenance(configuration=configuration, configuration_hash="0" * 64, seed=seed)
    temporary = path.with_name(path.name + ".tmp")
    with FileWriter(temporary, n, provenance, tracks=tracks, images=images, compression=compression) as writer:
        packed = schema.pack_tracks(mock_tracks(n, tracks, seed)) if tracks else None
        labels = matrix[:, schema.row("flavour_label")]
        pixels = schema.pack_images(mock_images(labels == 0, images, seed)) if images else None
        writer.write(schema.pack_jets(matrix), packed, images=pixels)
        tried = [EVENTS_PER_ROW * int((labels == process).sum()) for process in (0, 1)]
        writer.finish(Tally((tried[0], tried[1]), (1.4e-3 if tried[0] else 0.0, 2.6e5 if tried[1] else 0.0)))
    publish(temporary, path)
    return path


def pair_jets(path: Path, weight: tuple[float, float] = (1.0, 1.0)) -> Path:
    """Give every fourth event of a class two jets at one weight; `weight` multiplies those of hbb and qcd. Return the path."""
    with h5py.File(path, "r+") as opened:
        rows = opened["jets"][:]
        for label in (0, 1):
            own = np.flatnonzero(rows["flavour_label"] == label)
            for name in ("eventNumber", "mcEventWeight"):
                rows[name][own[1::4]] = rows[name][own[0::4]]
            rows["mcEventWeight"][own] *= weight[label]
        opened["jets"][:] = rows
    return path
