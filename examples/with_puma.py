"""puma plots a ROC curve and a variable from the file and any score: python examples/with_puma.py data.h5"""

import sys

import numpy as np
from ftag.hdf5 import H5Reader
from ftag.utils import calculate_rejection
from puma import Histogram, HistogramPlot, Roc, RocPlot

jets = H5Reader(sys.argv[1]).load({"jets": ["mass", "flavour_label", "vr1_ip3d_bu", "vr2_ip3d_bu"]})["jets"]
score, hbb = jets["vr1_ip3d_bu"] + jets["vr2_ip3d_bu"], jets["flavour_label"] == 0
efficiency, ours = np.linspace(0.3, 0.9, 61), {"atlas_brand": None, "atlas_first_tag": "pseudoexp"}  # no statement on ATLAS
roc = RocPlot(n_ratio_panels=0, ylabel="QCD rejection", xlabel="hbb efficiency", **ours)
masses = HistogramPlot(xlabel="mass [GeV]", ylabel="Normalised number of jets", **ours)
rejection = calculate_rejection(score[hbb], score[~hbb], efficiency)
roc.add_roc(Roc(efficiency, rejection, n_test=int((~hbb).sum()), rej_class="qcd", signal_class="hbb", label="two IP3D sums"))
for label, rows in (("hbb", hbb), ("qcd", ~hbb)):
    masses.add(Histogram(jets["mass"][rows] / 1000, bins=50, bins_range=(0, 250), underoverflow=False, label=label))
for plot, name in ((roc, "roc.png"), (masses, "mass.png")):
    plot.draw()
    plot.savefig(name)
    print("wrote", name)
