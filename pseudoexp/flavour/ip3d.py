"""IP3D: log-likelihood ratios of the tracks' lifetime-signed impact parameter significances.

Tracks with pT > 1 GeV, |d0| < 1 mm, |z0 sin(theta)| < 1.5 mm to the primary vertex are sorted into categories by
what is reconstructed of them: pT; how large sigma(d0) is for a track of that pT and eta (missed first layers, dense
surroundings); whether a two-track vertex looks like material, or like a K0S, Lambda or conversion. Per category a
2-D template of (d0, z0 sin theta) significance for b, c and light jets gives
log ratios; a jet's value is their sum over its tracks (ATLAS, ATLAS-CONF-2011-102).
"""

from __future__ import annotations

import math

from pseudoexp.core.jit import inline, kernel
from pseudoexp.core.reconstructed import Tracks
from pseudoexp.flavour.templates import IP3DTemplates
from pseudoexp.flavour.workspace import (
    COT_THETA,
    IP_D0,
    IP_SIGNIFICANCE_D0,
    IP_SIGNIFICANCE_Z0,
    IP_Z0,
    MATERIAL,
    FlavourWorkspace,
)

MIN_PT, MAX_D0, MAX_Z0 = 1.0, 1.0, 1.5  # GeV, mm, mm


@inline
def bin_index(value: float, edges) -> int:
    """Return the bin of `value` between ascending inner `edges`: 0 below the first, len(edges) from the last on."""
    low = 0
    high = edges.shape[0]
    while low < high:
        middle = (low + high) // 2
        if value >= edges[middle]:
            low = middle + 1
        else:
            high = middle
    return low


@inline
def category(pt: float, cot_theta: float, sigma_d0: float, status: int, templates: IP3DTemplates) -> int:
    """Return the template category of a track: pT [GeV], cot(theta), its own sigma(d0) [mm], two-track status."""
    n_good = templates.good_pt.shape[0] + 1
    n_plain = n_good + templates.poor_pt.shape[0] + 1
    if status >= MATERIAL and n_plain + 2 <= templates.bc.shape[0]:  # else templates that do not tell these apart
        return n_plain if status == MATERIAL else n_plain + 1
    row = min(bin_index(pt, templates.sigma_pt), templates.typical_sigma.shape[0] - 1)
    column = min(bin_index(abs(cot_theta), templates.sigma_cot), templates.typical_sigma.shape[1] - 1)
    if sigma_d0 > templates.poor_above * templates.typical_sigma[row, column]:
        return n_good + bin_index(pt, templates.poor_pt)
    return bin_index(pt, templates.good_pt)


@inline
def locate(tracks: Tracks, rows, i: int, templates: IP3DTemplates, workspace: FlavourWorkspace
           ) -> tuple[int, int, int]:
    """Return category and template bins of slot i; category -1 when the track is not used."""
    ip = workspace.impact[i]
    row = rows[i]
    if not (tracks.pt[row] > MIN_PT and abs(ip[IP_D0]) < MAX_D0 and abs(ip[IP_Z0]) < MAX_Z0):
        return -1, 0, 0
    sigma = math.sqrt(tracks.covariance[row, 0, 0])
    c = category(tracks.pt[row], workspace.helix[i, COT_THETA], sigma, workspace.status[i], templates)
    return (c, bin_index(ip[IP_SIGNIFICANCE_D0], templates.edges_d0),
            bin_index(ip[IP_SIGNIFICANCE_Z0], templates.edges_z0))


@kernel
def ip3d(tracks: Tracks, rows, count: int, templates: IP3DTemplates, workspace: FlavourWorkspace
         ) -> tuple[float, float, float]:
    """Return (bu, bc, cu) of a jet prepared by `prepare_jet`; zeros without a usable track, and bu = bc + cu.

    Parameters
    ----------
    tracks, rows, count
        The associated tracks are `rows[:count]`.
    templates : IP3DTemplates
        Frozen log ratios of the detector card.
    workspace : FlavourWorkspace
        Filled by `prepare_jet` for the same jet.
    """
    bc = 0.0
    cu = 0.0
    for i in range(count):
        c, d, z = locate(tracks, rows, i, templates, workspace)
        if c >= 0:
            bc += templates.bc[c, d, z]
            cu += templates.cu[c, d, z]
    return bc + cu, bc, cu


@kernel
def fill_ip3d(tracks: Tracks, rows, count: int, flavour: int, weight: float, templates: IP3DTemplates,
              workspace: FlavourWorkspace, histogram, histogram_w2) -> None:
    """Add a jet prepared by `prepare_jet` to the histograms the templates are made of.

    Parameters
    ----------
    flavour : int
        0 b, 1 c, 2 light (`templates.FLAVOURS`).
    weight : float
        Of the jet, with its pT reweighting (`templates.pt_weights`).
    templates : IP3DTemplates
        Only binning and categories are used (`templates.blank_templates`).
    histogram, histogram_w2 : (3, categories, d0 bins, z0 bins) arrays
        Receive the sums of weights and of squared weights.
    """
    for i in range(count):
        c, d, z = locate(tracks, rows, i, templates, workspace)
        if c >= 0:
            histogram[flavour, c, d, z] += weight
            histogram_w2[flavour, c, d, z] += weight * weight
