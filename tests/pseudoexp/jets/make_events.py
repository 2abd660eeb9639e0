"""Make `events.npz`: a few simulated collisions on which the jet algorithms are compared with FastJet.

Usage: python tests/pseudoexp/jets/make_events.py        (needs the extra [pythia])
Keys: p4 (particles, 4) float32 [GeV], visible particles with |eta| < 4.9; track (particles,) bool, charged
with pT > 0.5 GeV and |eta| < 2.5; offsets (events + 1). The first half is signal.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np

import pseudoexp

EVENTS_EACH = 8
NEUTRINOS = (12, 14, 16)
NEUTRAL = (22, 130, 310, 2112, 3122, 3322)


def main() -> None:
    p4, track, offsets = [], [], [0]
    for process in ("signal", "qcd"):
        sample = pseudoexp.particles(process, n=EVENTS_EACH, seed=11, pthat_min=250)
        for a, b in pairwise(sample.offsets):
            p, pdg_id = sample.p4[a:b], np.abs(sample.pdg_id[a:b])
            pt = np.hypot(p[:, 0], p[:, 1])
            eta = np.arcsinh(p[:, 2] / np.maximum(pt, 1e-9))
            seen = (np.abs(eta) < 4.9) & ~np.isin(pdg_id, NEUTRINOS)
            p4.append(p[seen])
            track.append(((pt > 0.5) & (np.abs(eta) < 2.5) & ~np.isin(pdg_id, NEUTRAL))[seen])
            offsets.append(offsets[-1] + int(seen.sum()))
    np.savez_compressed(Path(__file__).with_name("events.npz"), p4=np.concatenate(p4).astype(np.float32),
                        track=np.concatenate(track), offsets=np.array(offsets))


if __name__ == "__main__":
    main()
