"""Resize networks while they train: exactly the number of nodes or features asked for."""

from tagger.resize.baselines import OneShot, OpenGate, magnitude_scores, random_scores
from tagger.resize.cancelout import CancelOut
from tagger.resize.gate import AutoPruner, Budget, find_budgets, find_gates
from tagger.resize.insert import insert_pruners
from tagger.resize.schedule import Anneal
from tagger.resize.shrink import Shrunk, check_shrinkable, shrink

__all__ = [
    "Anneal", "AutoPruner", "Budget", "CancelOut", "OneShot", "OpenGate", "Shrunk", "check_shrinkable", "find_budgets",
    "find_gates", "insert_pruners", "magnitude_scores", "random_scores", "shrink",
]  # fmt: skip
