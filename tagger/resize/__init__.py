"""Resize networks while they train: exactly the number of nodes or features asked for."""

from tagger.resize.baselines import OneShot, magnitude_scores, random_scores
from tagger.resize.cancelout import CancelOut
from tagger.resize.cost import Cost
from tagger.resize.gate import AutoPruner, Budget, find_budgets, find_gates
from tagger.resize.insert import insert_pruners
from tagger.resize.open_gate import OpenGate
from tagger.resize.recurrent import RecurrentCancelOut, RecurrentOpenGate, RecurrentPruner
from tagger.resize.retraining import fresh_copy, retrain
from tagger.resize.schedule import Anneal
from tagger.resize.shrink import Shrunk, check_shrinkable, shrink

__all__ = [
    "Anneal", "AutoPruner", "Budget", "CancelOut", "Cost", "OneShot", "OpenGate", "RecurrentCancelOut",
    "RecurrentOpenGate", "RecurrentPruner", "Shrunk", "check_shrinkable", "find_budgets",
    "find_gates", "fresh_copy", "insert_pruners", "magnitude_scores", "random_scores", "retrain", "shrink",
]  # fmt: skip
