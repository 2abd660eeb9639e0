"""The built-in engine's hard process beside Pythia's: cross-section, spectra, flavours, subprocesses, colour flows.

    python bench/hard_process.py [--events 100000] [--pthat-min 150] [--pt-bias 4]

Needs the extra `pythia`; Pythia takes 0.1 ms per event here. Each line has both means, and chi^2 per degree of freedom of
the two unweighted histograms (30 bins of equal content, or the classes there are).
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from hard_events import hard_events

from pseudoexp.core.processes import QCD, SIGNAL
from pseudoexp.engines.builtin.sampling import hard_process
from pseudoexp.engines.settings import EngineSettings, pythia_lines

Sample = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
"""pT-hat; species, colours, momenta of two incoming and two outgoing partons."""


def pythia_sample(process: int, n: int, settings: EngineSettings) -> tuple[Sample, float, float]:
    """Return n hard processes of Pythia, the cross-section and its error [pb]."""
    import pythia8mc

    pythia = pythia8mc.Pythia("", False)
    for line in (*pythia_lines(process, settings), "PartonLevel:all = off", "Print:quiet = on"):
        pythia.readString(line)
    pythia.init()
    pt, pdg_id, colour, p4 = np.zeros(n), np.zeros((n, 4), int), np.zeros((n, 4, 2), int), np.zeros((n, 4, 4))
    i = charm = 0
    while i < n:
        pythia.next()
        info = pythia.infoPython()
        if process == SIGNAL and 4 in (abs(info.id1()), abs(info.id2())):
            charm += 1
            continue
        pt[i] = info.pTHat()
        for k in range(4):
            q = pythia.process[3 + k]
            pdg_id[i, k], colour[i, k], p4[i, k] = q.id(), (q.col(), q.acol()), (q.px(), q.py(), q.pz(), q.e())
        i += 1
    kept = 1e9 * n / (n + charm) if settings.pt_bias == 0 else np.nan
    return (pt, pdg_id, colour, p4), kept * info.sigmaGen(), kept * info.sigmaErr()


def ordered(sample: Sample) -> Sample:
    """Return the sample with identical outgoing partons in the order of rapidity."""
    pt, pdg_id, colour, p4 = sample
    swap = (pdg_id[:, 2] == pdg_id[:, 3]) & (p4[:, 2, 2] * p4[:, 3, 3] < p4[:, 3, 2] * p4[:, 2, 3])
    colour, p4 = colour.copy(), p4.copy()
    for array in (colour, p4):
        array[swap, 2:] = array[swap, 3:1:-1]
    return pt, pdg_id, colour, p4


def connections(colour: np.ndarray) -> np.ndarray:
    """Return a number for which partons are colour-connected."""
    code = np.zeros(len(colour), int)
    for i in range(4):
        for j in range(i):
            crossed = (i < 2) == (j < 2)
            for c in range(2):
                joined = (colour[:, i, c] > 0) & (colour[:, i, c] == colour[:, j, 1 - c if crossed else c])
                code = 2 * code + joined
    return code


def observables(sample: Sample) -> dict[str, np.ndarray]:
    """Return what is compared."""
    pt, pdg_id, colour, p4 = ordered(sample)
    y = np.arctanh(p4[:, 2:, 2] / p4[:, 2:, 3])
    kind = np.where(pdg_id == 21, 0, np.where(abs(pdg_id) <= 3, 1, abs(pdg_id)))
    same = np.where(pdg_id[:, 0] == pdg_id[:, 1], 1, np.where(pdg_id[:, 0] == -pdg_id[:, 1], 2, 0))
    classes = ((kind[:, 0] * 32 + kind[:, 1]) * 32 + kind[:, 2]) * 4 + same
    order = np.clip(np.floor(y[:, 0] - y[:, 1]), -3, 2).astype(int)
    return {
        "ln pT-hat": np.log(pt), "y3": y[:, 0], "y4": y[:, 1], "|y3 - y4|": abs(y[:, 0] - y[:, 1]),
        "lg x1": np.log10(p4[:, 0, 3] / 7e3), "lg x2": np.log10(p4[:, 1, 3] / 7e3),
        "incoming 1": pdg_id[:, 0], "incoming 2": pdg_id[:, 1],
        "outgoing 3": pdg_id[:, 2], "outgoing 4": pdg_id[:, 3], "subprocess": classes,
        "colour flow": (classes.astype(np.int64) * 4096 + connections(colour)) * 8 + order}


def chi2(one: np.ndarray, two: np.ndarray) -> tuple[float, int]:
    """Return chi^2 between two unweighted samples, and the degrees of freedom."""
    both = np.concatenate([one, two])
    if both.dtype.kind == "f":
        edges = np.quantile(both, np.linspace(0, 1, 31)[1:-1])
        one, two = np.searchsorted(edges, one), np.searchsorted(edges, two)
    values = np.unique(np.concatenate([one, two]))
    a, b = (np.searchsorted(values, np.sort(v), "right") for v in (one, two))
    counts = np.stack([np.bincount(a, minlength=len(values) + 1), np.bincount(b, minlength=len(values) + 1)])
    counts = counts[:, counts.sum(0) >= 10]
    ratio = np.sqrt(len(two) / len(one))
    return float(((counts[0] * ratio - counts[1] / ratio) ** 2 / counts.sum(0)).sum()), counts.shape[1] - 1


def main() -> None:
    """Compare both processes."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--pthat-min", type=float, default=150.0)
    parser.add_argument("--pt-bias", type=float, default=4.0)
    options = parser.parse_args()
    settings = EngineSettings(options.pthat_min, options.pt_bias)
    for process, name in ((SIGNAL, "signal"), (QCD, "qcd")):
        theirs, sigma, error = pythia_sample(process, options.events, settings)
        events, _ = hard_events(process, options.events, options.pthat_min, options.pt_bias)
        hard = hard_process(process, options.pthat_min, options.pt_bias)
        print(f"{name}: cross-section {hard.cross_section:.6g} pb, Pythia {sigma:.6g} +- {error:.2g} (without bias only)")
        ours = observables((events.pthat, events.pdg_id, events.colour, events.p4))
        for key, value in observables(theirs).items():
            chance, n = chi2(ours[key], value)
            print(f"  {key:12s} {ours[key].mean():12.5g} {value.mean():12.5g}   chi2 {chance:7.1f} / {n}")


if __name__ == "__main__":
    main()
