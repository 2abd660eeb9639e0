"""uproot and awkward through a ROOT tree: python examples/with_uproot.py data.h5"""

import sys

import awkward as ak
import uproot

import pseudoexp

pseudoexp.convert(sys.argv[1], sys.argv[1] + ".root", to="root", force=True)
with uproot.open(sys.argv[1] + ".root") as file:
    tree = file["jets"]
    print(tree.num_entries, "jets, made with seed", file["attributes/seed"])
    jets = tree.arrays(filter_name=["mass", "flavour_label", "tracks_d0"])
    print("mean hbb mass", ak.mean(jets.mass[jets.flavour_label == 0]) / 1000, "GeV")
    if "tracks_d0" in jets.fields:
        print("largest |d0| in the first jets", ak.max(abs(jets.tracks_d0), axis=1)[:5], "mm")
