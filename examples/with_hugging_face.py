"""Hugging Face datasets through the Parquet mirror: python examples/with_hugging_face.py data.h5"""

import sys

from datasets import load_dataset

import pseudoexp

mirror = sys.argv[1] + ".mirror"
pseudoexp.convert(sys.argv[1], mirror, to="parquet", force=True)
splits = load_dataset(mirror)  # train, validation, test
print({name: rows.num_rows for name, rows in splits.items()})
heavy = splits["test"].filter(lambda mass: mass > 100e3, input_columns="mass").with_format("numpy")
print(heavy[:3]["mass"], heavy.features["flavour_label"])
