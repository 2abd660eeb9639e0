"""scikit-learn: boosted trees on the 39 inputs: python examples/with_scikit_learn.py data.h5"""

import sys

from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score

import pseudoexp

train, test = (pseudoexp.load(sys.argv[1], split) for split in ("train", "test"))
trees = HistGradientBoostingClassifier(max_iter=50, random_state=1).fit(train.data, train.target, train.weight)
score = trees.predict_proba(test.data)[:, 1]
print(f"AUC on {len(score)} test jets: {roc_auc_score(test.target, score, sample_weight=test.weight):.4f}")
