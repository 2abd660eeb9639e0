"""pandas: a frame of the 39 inputs, or of any columns: python examples/with_pandas.py data.h5"""

import sys

import pseudoexp

inputs = pseudoexp.load(sys.argv[1], "train").to_pandas()
print(inputs.groupby("target")[["pt", "mass", "vr1_ip3d_bu", "vr2_ip3d_bu"]].mean())
jets = pseudoexp.load(sys.argv[1], None, columns=["mass", "D2", "vr1_truth_label"], weight="physical").to_pandas()
print(jets.groupby(["target", "vr1_truth_label"])["weight"].sum())  # cross-sections in pb
