"""The frozen calibration of a detector card: jet scales, IP3D templates, spectrum weights.

Made once per card by `python -m pseudoexp calibrate` from nominal events of their own, shipped as data and used
unchanged for every engine, shift and pile-up: otherwise differences would be calibrated away. A card names its
calibration, so that cards based on it keep it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from pseudoexp.core.files import read_arrays, whole_file
from pseudoexp.dataset import weights
from pseudoexp.dataset.weights import SpectrumRatio
from pseudoexp.errors import ConfigError, SchemaError
from pseudoexp.flavour.templates import IP3DTemplates, blank_templates
from pseudoexp.jets import calibration as jet_calibration
from pseudoexp.jets.calibration import JetCalibration

CALIBRATION_VERSION = "1"
FOLDER = Path(__file__).resolve().parent / "data" / "calibrations"
_PARTS: dict[str, Any] = {"jets": JetCalibration, "ip3d": IP3DTemplates, "weights": SpectrumRatio}


class Calibration(NamedTuple):
    """What the chain needs besides the card."""

    jets: JetCalibration
    ip3d: IP3DTemplates
    weights: SpectrumRatio


def uncalibrated() -> Calibration:
    """Return the calibration that changes nothing and knows nothing: the start of `calibrate`."""
    return Calibration(jet_calibration.identity(), blank_templates([[1.0]]), weights.flat())


def save(path: Path, calibration: Calibration, provenance: Mapping[str, Any]) -> None:
    """Write a calibration; `provenance` says which events and versions made it."""
    arrays = {f"{part}.{name}": array for part in _PARTS for name, array in getattr(calibration, part)._asdict().items()}
    header = json.dumps({"version": CALIBRATION_VERSION, **provenance}, sort_keys=True)
    with whole_file(path) as file:
        np.savez_compressed(file, header=np.array(header), **arrays)


def load(path: Path) -> tuple[Calibration, dict[str, Any]]:
    """Return a calibration and its provenance.

    Raises
    ------
    SchemaError
        If the file is not a calibration of this version.
    """
    data = read_arrays(path, "a calibration")
    try:
        header: dict[str, Any] = dict(json.loads(str(data["header"])))
        parts = {part: kind(**{name: _plain(data[f"{part}.{name}"]) for name in kind._fields}) for part, kind in _PARTS.items()}
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise SchemaError(f"{path}: not a calibration ({error}); make one with `pseudoexp calibrate`") from None
    if header.get("version") != CALIBRATION_VERSION:
        raise SchemaError(f"{path}: calibration version {header.get('version')}; allowed: {CALIBRATION_VERSION}")
    return Calibration(**parts), header


def _plain(array: np.ndarray[Any, Any]) -> Any:
    """Return a number for an array without dimensions, else the array, contiguous."""
    return float(array) if array.ndim == 0 else np.ascontiguousarray(array)


def find(name: str) -> Path:
    """Return the file of a named calibration (shipped), or of a path to a user's own.

    Raises
    ------
    ConfigError
        If there is no such calibration.
    """
    path = Path(name) if name.endswith(".npz") else FOLDER / f"{name}.npz"
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in FOLDER.glob("*.npz"))) or "none"
        raise ConfigError(f"calibration {name!r} not found; allowed: {known}, or the path of a .npz file made by "
                          "`pseudoexp calibrate`")
    return path


@lru_cache(maxsize=4)
def calibration_of(name: str) -> Calibration:
    """Return the calibration a card names."""
    return load(find(name))[0]
