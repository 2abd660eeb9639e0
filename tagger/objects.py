"""Tracks and images as arrays that a network takes: reconstructed quantities only, bounded, padded with zeros.

A track becomes its features and, last, a flag: 1 for a track, 0 for padding. What a network does to padding must not
depend on the other features there.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pseudoexp.dataset import schema
from pseudoexp.dataset.objects import object_blocks
from pseudoexp.dataset.probe import FileInfo, probe
from pseudoexp.errors import ConfigError

Array = NDArray[np.float32]
Prepare = Callable[[NDArray[np.void]], NDArray[np.generic]]
"""Tracks (n, N) or images (n, N, N) of the file -> what a network takes."""
TRACKS_PER_JET = 12
"""Of a sequence: the most displaced of a track jet."""
_D0_SCALE, _Z0_SCALE = 0.05, 0.1  # mm, where the logarithm of an impact parameter begins
TRACK_FEATURES = ("log pt", "deta", "dphi", "d0", "z0SinTheta", "log d0Uncertainty", "log z0SinThetaUncertainty",
                  "log ptUncertainty", "charge", "d0 significance", "z0 significance", "of track jet 1", "of track jet 2")


def track_array(tracks: NDArray[np.void]) -> Array:
    """Return (n, N, features and flag) of tracks (n, N): logarithms of momenta and errors, asinh of impact parameters."""
    valid = tracks["valid"]
    columns = [
        _log(tracks["pt"] / schema.MEV), tracks["deta"], tracks["dphi"], np.arcsinh(tracks["d0"] / _D0_SCALE),
        np.arcsinh(tracks["z0SinTheta"] / _Z0_SCALE), _log(tracks["d0Uncertainty"]), _log(tracks["z0SinThetaUncertainty"]),
        _log(tracks["ptUncertainty"]), np.sign(tracks["qOverP"]), np.arcsinh(tracks["lifetimeSignedD0Significance"]),
        np.arcsinh(tracks["lifetimeSignedZ0SinThetaSignificance"]), tracks["vr_jet"] == 0, tracks["vr_jet"] == 1]
    out = np.zeros((*tracks.shape, len(columns) + 1), np.float32)
    for k, column in enumerate(columns):
        out[..., k] = np.where(valid, column, 0.0)
    out[..., -1] = valid
    return out


def _log(values: NDArray[np.floating]) -> NDArray[np.floating]:
    with np.errstate(invalid="ignore"):
        return np.asarray(np.log(np.maximum(values, 1e-6)))


def sequences(tracks: NDArray[np.void]) -> Array:
    """Return (n, 2, `TRACKS_PER_JET`, features and flag) of tracks (n, N): those of each track jet, most displaced first.

    The features that say which track jet are left out: the place does.
    """
    every, jet = track_array(tracks), tracks["vr_jet"]
    kept = [k for k, name in enumerate(TRACK_FEATURES) if not name.startswith("of ")] + [len(TRACK_FEATURES)]
    out = np.zeros((len(tracks), 2, TRACKS_PER_JET, len(kept)), np.float32)
    for i in (0, 1):
        mine = tracks["valid"] & (jet == i)
        order = np.argsort(~mine, axis=1, kind="stable")[:, :TRACKS_PER_JET]
        chosen = np.take_along_axis(every, order[:, :, None], axis=1)[..., kept]
        there = np.take_along_axis(mine, order, axis=1)
        out[:, i, :order.shape[1]] = np.where(there[:, :, None], chosen, 0.0)
    return out


def image_array(images: NDArray[np.void]) -> NDArray[np.float16]:
    """Return (n, N, N, 2) transverse energies [GeV] of images (n, N, N); no copy."""
    return np.ascontiguousarray(images).view("<f2").reshape(*images.shape, 2)


def read_array(info: FileInfo, name: str, split: str | None, prepare: Prepare) -> NDArray[np.generic]:
    """Return the tracks or images of a split as `prepare` makes them."""
    return np.concatenate([prepare(block) for block in object_blocks(info, name, split)])


def flag_moments(x: Array) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return mean and variance of each feature over the tracks of (..., features and flag); a constant one has variance 1."""
    tracks = x[x[..., -1] > 0][:, :-1].astype(np.float64)
    variance = tracks.var(axis=0)
    return tracks.mean(axis=0), np.where(variance > 1e-12, variance, 1.0)


def require_same_rows(info: FileInfo, objects: str | Path, name: str) -> FileInfo:
    """Return a file with tracks or images after checking that its rows are those of another file.

    Raises
    ------
    ConfigError
        If they are not, or it has no such dataset.
    """
    beside = probe(objects)
    if name not in beside.datasets:
        raise ConfigError(f"{beside.path}: no dataset `{name}`; allowed: a file made with --{name}")
    if beside.rows != info.rows or not info.jets.locators or beside.jets.locators != info.jets.locators:
        raise ConfigError(f"{beside.path}: its rows are not those of {info.path}; allowed: a file of the same events and card")
    return beside
