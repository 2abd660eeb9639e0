"""Salt's dataset with the normalisation we make for it: python examples/with_salt.py data.h5

To train: salt fit --config data.h5.salt/salt.yaml --force"""

import sys

from salt.data import SaltDataset

import pseudoexp
from pseudoexp.dataset.schema import INPUTS

folder = sys.argv[1] + ".salt"
pseudoexp.convert(sys.argv[1], folder, to="salt", force=True)
dataset = SaltDataset(f"{folder}/train.h5", f"{folder}/norm_dict.yaml", {"jets": list(INPUTS)}, "fit",
                      labels={"jets": ["flavour_label"]})
inputs, masks, labels = dataset[0:100]
print(len(dataset), "jets;", tuple(inputs["jets"].shape), "hbb:", int((labels["jets"]["flavour_label"] == 0).sum()))
