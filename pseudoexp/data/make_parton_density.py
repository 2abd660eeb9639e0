"""Make parton_density.npz: NNPDF2.3 QCD+QED LO, alpha_s(M_Z) = 0.130 (arXiv:1207.1303, arXiv:1308.0598).

Run with the extra ``pythia`` installed: ``python pseudoexp/data/make_parton_density.py``. The set is PYTHIA's default
(``PDF:pSet = 13``); it is read through PYTHIA at the set's own nodes, so that the four-point polynomials of
`pseudoexp.engines.builtin.parton_density` through them are those of PYTHIA.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pythia8mc

GRID = "NNPDF23_lo_as_0130_qed_0000.dat"
HERE = Path(__file__).resolve().parent


def main() -> None:
    """Evaluate the eleven densities at the nodes and write them."""
    pythia = pythia8mc.Pythia("", False)
    for setting in ("Print:quiet = on", "Beams:eCM = 14000", "HardQCD:all = on", "PDF:pSet = 13",
                    "PhaseSpace:pTHatMin = 100", "PartonLevel:all = off"):
        pythia.readString(setting)
    pythia.init()
    proton = pythia.getPDFPtr(2212)
    grid = Path(pythia.word("xmlPath")).parent / "pdfdata" / GRID
    header = grid.read_text().split("---", 1)[1].splitlines()
    x, q = (np.array(line.split(), float) for line in header[1:3])
    values = np.array([[[proton.xf(21 if column == 0 else column, a, b * b) for column in range(-5, 6)] for a in x]
                       for b in q])
    frozen = max(int(np.argmax(np.any(values[:, 1:] != values[:, :-1], axis=(0, 2)))) - 3, 0)
    np.savez_compressed(HERE / "parton_density.npz", values=values[:, frozen:].astype(np.float32), x=x[frozen:], q=q,
                        log_x=np.log(x[frozen:]), log_q2=2.0 * np.log(q), set=np.array(grid.stem),
                        made_by=np.array(Path(__file__).name))


if __name__ == "__main__":
    main()
