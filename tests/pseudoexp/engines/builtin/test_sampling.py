"""The hard process: weights, bounds, kinematics, colour lines, charge, spectra against PYTHIA."""

import numpy as np
import pytest
from hard_events import hard_events

from pseudoexp.core.processes import CALIBRATION, MINIMUM_BIAS, QCD, SIGNAL
from pseudoexp.engines.builtin.sampling import hard_process
from pseudoexp.errors import ConfigError

CROSS_SECTIONS = [  # pb, PYTHIA 8.317 (pseudoexp/data/pythia8_normalisation.json) and PHYSICS' table at 450 GeV; relative error
    (SIGNAL, 150.0, 1.42486e-3, 0.002), (SIGNAL, 250.0, 1.82924e-4, 0.002), (SIGNAL, 450.0, 1.004e-5, 0.003),
    (QCD, 150.0, 260615.0, 0.002), (QCD, 250.0, 25173.0, 0.002), (QCD, 450.0, 1365.0, 0.002),
]
PYTHIA = {  # mean and its error of unweighted events, pT-hat > 150 GeV, bias 4, PartonLevel:all = off, PYTHIA 8.317.2
    QCD: {"log_pthat": (0.77138, 0.00081), "dy": (1.40827, 0.00142), "y2": (1.11541, 0.00203), "log_x": (-2.40850, 0.00075),
          "gg": (0.35956, 0.00068), "qg": (0.49895, 0.00071), "in_uds": (0.70787, 0.00093), "in_c": (0.04493, 0.00030),
          "in_b": (0.02912, 0.00024), "out_c": (0.05123, 0.00033), "out_b": (0.03580, 0.00029), "out_g": (1.19387, 0.00096),
          "antiquarks": (0.15851, 0.00054)},
    SIGNAL: {"log_pthat": (0.78947, 0.00164), "dy": (1.00872, 0.00222), "y2": (0.81544, 0.00338), "log_x": (-2.46627, 0.00137),
             "higgs_along_gluon": (-0.91992, 0.00258), "higgs_y2": (1.11383, 0.00455)},
}
THIRD_CHARGES = {21: 0, 25: 0, 1: -1, 2: 2, 3: -1, 4: 2, 5: -1}


def charge(pdg_id):
    """Return three times the charge."""
    return sum(np.sign(pdg_id) * np.where(abs(pdg_id) == k, q, 0) for k, q in THIRD_CHARGES.items())


@pytest.mark.parametrize(("process", "pthat_min", "expected", "relative"), CROSS_SECTIONS)
def test_cross_section(process, pthat_min, expected, relative):
    assert hard_process(process, pthat_min, 4.0).cross_section == pytest.approx(expected, rel=relative)


@pytest.mark.parametrize("process", [SIGNAL, QCD])
@pytest.mark.parametrize(("pthat_min", "bias"), [(150.0, 4.0), (10.0, 2.0), (5000.0, 8.0), (613.7, 0.0)])
def test_mean_weight_is_the_cross_section(process, pthat_min, bias):
    events, work = hard_events(process, 40_000, pthat_min, bias)
    hard = hard_process(process, pthat_min, bias)
    error = events.weight.std() / np.sqrt(len(events.weight))
    assert abs(events.weight.mean() - hard.cross_section) < 4 * error + 1e-9 * hard.cross_section
    assert events.pthat.min() >= pthat_min * (1 - 1e-12)
    assert events.weight * (events.pthat / 250.0) ** bias == pytest.approx(hard.integral, rel=1e-9)
    assert work.counts[1] == 0
    assert len(events.weight) / work.counts[0] > 0.75


@pytest.mark.parametrize("process", [SIGNAL, QCD])
def test_no_bound_is_exceeded(process):
    for pthat_min in (10.0, 150.0, 1000.0, 4000.0):
        _, work = hard_events(process, 100_000, pthat_min, 1.0, first=10**6)
        assert work.counts[1] <= 1e-5 * work.counts[0]


@pytest.mark.parametrize("process", [SIGNAL, QCD])
def test_conservation(process):
    events, _ = hard_events(process, 20_000, 20.0, 1.0)
    p4 = events.p4
    assert np.abs(p4[:, 0] + p4[:, 1] - p4[:, 2] - p4[:, 3]).max() < 1e-8
    mass2 = p4[..., 3] ** 2 - (p4[..., :3] ** 2).sum(-1)
    assert np.abs(mass2 - events.mass**2).max() < 1e-5
    s = 4 * p4[:, 0, 3] * p4[:, 1, 3]
    assert s == pytest.approx(events.x.prod(1) * 14000.0**2, rel=1e-12)
    charges = charge(events.pdg_id)
    assert (charges[:, 0] + charges[:, 1] == charges[:, 2] + charges[:, 3]).all()
    assert np.hypot(p4[:, 2, 0], p4[:, 2, 1]) == pytest.approx(events.pthat, rel=0.2)
    assert events.scale == pytest.approx(np.hypot(events.pthat, 4.8 if process == SIGNAL else 0.0), rel=0.03)


@pytest.mark.parametrize("process", [SIGNAL, QCD])
def test_colour_lines(process):
    events, _ = hard_events(process, 20_000)
    for pdg_id, colour in zip(events.pdg_id, events.colour, strict=True):
        for k in range(4):
            expected = {25: (False, False), 21: (True, True)}.get(pdg_id[k], (pdg_id[k] > 0, pdg_id[k] < 0))
            assert tuple(colour[k] > 0) == expected
        starts = sorted([*colour[:2, 0], *colour[2:, 1]])
        ends = sorted([*colour[:2, 1], *colour[2:, 0]])
        assert starts == ends
        assert len({c for c in starts if c}) == sum(c > 0 for c in starts)


def observables(events):
    """Return what `PYTHIA` has means of."""
    y = np.arctanh(events.p4[:, 2:, 2] / events.p4[:, 2:, 3])
    one, two = abs(events.pdg_id[:, :2]), abs(events.pdg_id[:, 2:])
    gluons = (one == 21).sum(1)
    return {
        "log_pthat": np.log(events.pthat / 150), "dy": abs(y[:, 0] - y[:, 1]), "y2": (0.5 * (y[:, 0] + y[:, 1])) ** 2,
        "log_x": np.log10(events.x).sum(1), "gg": gluons == 2, "qg": gluons == 1, "in_uds": (one <= 3).sum(1),
        "in_c": (one == 4).sum(1), "in_b": (one == 5).sum(1), "out_c": (two == 4).sum(1), "out_b": (two == 5).sum(1),
        "out_g": (two == 21).sum(1), "antiquarks": (events.pdg_id[:, :2] < 0).sum(1),
        "higgs_along_gluon": np.where(events.pdg_id[:, 0] == 21, 1, -1) * (y[:, 0] - y[:, 1]), "higgs_y2": y[:, 0] ** 2}


@pytest.mark.parametrize("process", [SIGNAL, QCD])
def test_like_pythia(process):
    events, _ = hard_events(process, 100_000, first=2 * 10**6)
    values = observables(events)
    for name, (mean, error) in PYTHIA[process].items():
        own = values[name].std() / np.sqrt(len(events.weight))
        assert abs(values[name].mean() - mean) < 4.5 * np.hypot(error, own), name


def test_signal_has_the_higgs_first():
    events, _ = hard_events(SIGNAL, 5000)
    assert (events.pdg_id[:, 2] == 25).all()
    assert (abs(events.pdg_id[:, 3]) == 5).all()
    assert events.mass[:, 2:] == pytest.approx(np.tile([125.0, 4.8], (5000, 1)))
    assert 0.46 < (events.pdg_id[:, 0] == 21).mean() < 0.54
    assert 0.46 < (events.pdg_id[:, 3] == 5).mean() < 0.54


def test_repeatable():
    first, _ = hard_events(QCD, 50, first=1000)
    second, _ = hard_events(QCD, 80, first=970)
    assert (first.p4 == second.p4[30:]).all()
    assert (first.weight == second.weight[30:]).all()


@pytest.mark.parametrize("arguments", [(MINIMUM_BIAS, 150.0, 4.0), (QCD, 5.0, 4.0), (QCD, 150.0, 9.0)])
def test_refuses(arguments):
    with pytest.raises(ConfigError):
        hard_process(*arguments)


def test_calibration_events_are_of_the_same_process():
    assert hard_process(QCD + CALIBRATION).cross_section == hard_process(QCD).cross_section
