"""atlas-ftag-tools reads the file as it is, with its cuts and labels: python examples/with_ftag_tools.py data.h5"""

import sys

import numpy as np
from ftag import Cuts, Flavours
from ftag.hdf5 import H5Reader

reader = H5Reader(sys.argv[1], batch_size=10_000, shuffle=False)
central = Cuts.from_list([("pt", ">", 300_000.0), ("eta", "<", 1.5), ("eta", ">", -1.5)])  # MeV
for flavour in (Flavours["hbb"], Flavours["qcdbb"], Flavours["qcdnonbb"]):
    jets = reader.load({"jets": ["mass", "vr1_ip3d_bu"]}, cuts=central + flavour.cuts)["jets"]
    print(f"{flavour.name:9} {len(jets)} jets, median mass {np.median(jets['mass']) / 1000:.1f} GeV")
