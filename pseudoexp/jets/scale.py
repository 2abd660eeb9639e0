"""The factors of a jet calibration at one jet: kernels, apart from the tables that everybody may read without numba."""

from __future__ import annotations

from pseudoexp.core.elementary import log
from pseudoexp.core.interpolation import bilinear
from pseudoexp.core.jit import inline
from pseudoexp.jets.calibration import JetCalibration


@inline
def calibrated_pt_factor(calibration: JetCalibration, pt: float, abs_eta: float) -> float:
    """Return the factor for the four-momentum of a jet of uncalibrated `pt` [GeV]."""
    return bilinear(calibration.pt_factor, calibration.eta, calibration.log_pt, abs_eta, log(pt))


@inline
def largest_pt_factor(calibration: JetCalibration) -> float:
    """Return the largest factor that `calibrated_pt_factor` gives for any jet."""
    largest = 0.0
    for i in range(calibration.pt_factor.shape[0]):
        for j in range(calibration.pt_factor.shape[1]):
            largest = max(largest, calibration.pt_factor[i, j])
    return largest


@inline
def calibrated_mass_factor(calibration: JetCalibration, pt: float, mass: float) -> float:
    """Return the further factor for the mass of a jet; both arguments after the pT calibration [GeV]."""
    if mass <= 0.0:
        return 1.0
    return bilinear(calibration.mass_factor, calibration.log_mass, calibration.log_pt, log(mass / pt), log(pt))
