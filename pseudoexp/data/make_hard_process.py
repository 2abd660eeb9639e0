"""Make hard_process.npz: spectra and bounds that the built-in engine draws its hard process from.

Run after the parton densities, the couplings or the matrix elements have changed:
``python pseudoexp/data/make_hard_process.py``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pseudoexp.engines.builtin.hard_tables import make_tables

HERE = Path(__file__).resolve().parent


def main() -> None:
    """Compute the tables and write them."""
    tables = make_tables()
    np.savez_compressed(HERE / "hard_process.npz", log_pt=tables.log_pt, spectrum=tables.spectrum,
                        bound=tables.bound.astype(np.float32), made_by=np.array(Path(__file__).name))


if __name__ == "__main__":
    main()
