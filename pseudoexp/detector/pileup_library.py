"""The library of inelastic events behind pile-up, kept in the user's cache; `production.pileup` makes it.

50,000 inelastic events of Pythia8 (`MINIMUM_BIAS`), the visible particles within |eta| < 5.1 and above 50 MeV, seven
bytes each: pT to 0.015 %, angles to 0.1 mrad. The file's name holds what it depends on; a checksum over its arrays is
verified when it is read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pseudoexp.core.files import read_arrays, whole_file
from pseudoexp.core.record import EventBatch
from pseudoexp.detector.pileup import (
    DISPLACED,
    ETA_MIN,
    ETA_STEP,
    LN_PT_MIN,
    LN_PT_STEP,
    PHI_MIN,
    PHI_STEP,
    PileUp,
    no_pileup,
)
from pseudoexp.detector.pileup_place import LIBRARY_VERSION, library_path
from pseudoexp.errors import ConfigError, GenerationError, SchemaError

MOST_BYTES = 1 << 32
MAX_MU = 500.0
_MAX_ETA = 5.1
_MIN_PT = 0.05
_MIN_DISPLACEMENT = 1e-2  # mm; what is born closer to the collision is born in it
_NEUTRINOS = (12, 14, 16)
_ARRAYS = ("offsets", "displaced_offsets", "ln_pt", "eta", "phi", "kind", "displaced", "species")


def load_library(mu: float) -> PileUp:
    """Return the library for `mu` collisions per crossing.

    Parameters
    ----------
    mu : float
        Mean number of further collisions, 0 to 500; 0 needs no library.

    Raises
    ------
    ConfigError
        For a `mu` out of range.
    GenerationError
        If there is no library yet: `production.pileup.require_library` makes it.
    SchemaError
        If it is damaged.
    """
    if not 0.0 <= mu <= MAX_MU:
        raise ConfigError(f"pile-up {mu!r}; allowed: 0 to {MAX_MU:g}")
    return no_pileup() if mu == 0.0 else _library(library_path())._replace(mu=float(mu))


@lru_cache(maxsize=2)
def _library(path: Path) -> PileUp:
    try:
        return read_library(path)
    except FileNotFoundError:
        raise GenerationError(f"{path}: no pile-up library; a production with pile-up makes it first") from None


def build_library(batch: EventBatch) -> PileUp:
    """Return the library of a batch of events, with mu = 0."""
    pt = np.hypot(batch.p4[:, 0], batch.p4[:, 1])
    eta = np.arcsinh(batch.p4[:, 2] / np.maximum(pt, 1e-12))
    seen = (pt > _MIN_PT) & (np.abs(eta) < _MAX_ETA) & ~np.isin(np.abs(batch.pdg_id), _NEUTRINOS)
    n = len(batch.event_number)
    event = np.repeat(np.arange(n), np.diff(batch.offsets))[seen]
    phi = np.arctan2(batch.p4[seen, 1], batch.p4[seen, 0])
    vertex = batch.vertex[seen, :3]
    away = np.abs(vertex).max(axis=1, initial=0.0) > _MIN_DISPLACEMENT
    codes: dict[int, int] = {}
    kind = _kinds(batch.pdg_id[seen], codes)
    return PileUp(
        mu=0.0, offsets=_offsets(np.bincount(event, minlength=n)),
        displaced_offsets=_offsets(np.bincount(event[away], minlength=n)),
        ln_pt=_steps(np.log(pt[seen]), LN_PT_MIN, LN_PT_STEP), eta=_steps(eta[seen], ETA_MIN, ETA_STEP),
        phi=(np.floor((phi - PHI_MIN) / PHI_STEP).astype(np.int64) % 65536).astype(np.uint16),
        kind=(kind + np.where(away, DISPLACED, 0)).astype(np.uint8), displaced=vertex[away].astype(np.float32),
        species=np.array(list(codes), np.int32))


def join_libraries(pieces: Iterable[PileUp]) -> PileUp:
    """Return one library of the events of several, in order."""
    codes: dict[int, int] = {}
    parts: list[PileUp] = []
    for piece in pieces:
        row = _kinds(piece.species, codes)
        kind = row[piece.kind & (DISPLACED - 1)] + (piece.kind & DISPLACED)
        parts.append(piece._replace(kind=kind.astype(np.uint8)))
    return PileUp(
        mu=0.0, offsets=_offsets(np.concatenate([np.diff(p.offsets) for p in parts])),
        displaced_offsets=_offsets(np.concatenate([np.diff(p.displaced_offsets) for p in parts])),
        ln_pt=np.concatenate([p.ln_pt for p in parts]), eta=np.concatenate([p.eta for p in parts]),
        phi=np.concatenate([p.phi for p in parts]), kind=np.concatenate([p.kind for p in parts]),
        displaced=np.concatenate([p.displaced for p in parts]), species=np.array(list(codes), np.int32))


def _offsets(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])


def _steps(x: NDArray[np.float64], low: float, step: float) -> NDArray[np.uint16]:
    return np.clip(np.rint((x - low) / step), 0, 65535).astype(np.uint16)


def _kinds(pdg_id: NDArray[np.int32], codes: dict[int, int]) -> NDArray[np.int64]:
    """Return the rows of the species, adding new ones in the order of their first appearance."""
    unique, first, inverse = np.unique(pdg_id, return_index=True, return_inverse=True)
    for k in np.argsort(first):
        codes.setdefault(int(unique[k]), len(codes))
    if len(codes) > DISPLACED:
        raise SchemaError(f"{len(codes)} species in the inelastic events; allowed: {DISPLACED}")
    return np.array([codes[int(i)] for i in unique], np.int64)[inverse]


def checksum(library: PileUp) -> str:
    """Return the SHA-256 over the library's arrays."""
    digest = hashlib.sha256(LIBRARY_VERSION.encode())
    for name in _ARRAYS:
        array = getattr(library, name)
        digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def write_library(path: Path, library: PileUp) -> None:
    """Write a library under a temporary name, bring it to the disk and rename it."""
    with whole_file(path) as file:
        np.savez(file, checksum=np.array(checksum(library)), **{name: getattr(library, name) for name in _ARRAYS})


def read_library(path: Path) -> PileUp:
    """Return a library, with mu = 0.

    Raises
    ------
    FileNotFoundError
        If there is none.
    SchemaError
        If it is damaged or of another version.
    """
    if not path.exists():
        raise FileNotFoundError(path)
    stored = read_arrays(path, "a pile-up library", MOST_BYTES)
    try:
        library, expected = PileUp(0.0, **{name: stored[name] for name in _ARRAYS}), str(stored["checksum"])
    except KeyError as error:
        raise SchemaError(f"{path}: not a pile-up library (without {error})") from None
    if checksum(library) != expected:
        raise SchemaError(f"{path}: the pile-up library is damaged (checksum)")
    return library
