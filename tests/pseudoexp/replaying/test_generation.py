"""What is told of an event of which there is only the record, and branchings in words."""

import numpy as np
import pytest
from real_events import events, some

from pseudoexp.core.species import charge3, heavy_flavour
from pseudoexp.replaying.generation import kind, told_by_record
from pseudoexp.replaying.history import Branching
from pseudoexp.replaying.story import STAGES, Story


@pytest.fixture(scope="module")
def batch():
    return some(events("signal"), 4, 5)


@pytest.fixture(scope="module")
def story(batch):
    return Story(40, "signal", 4, 1, "hepmc", "atlas-itk", told_by_record(batch, "hepmc"), np.zeros(0), None, {})


def test_stages_that_a_record_does_not_know_say_so(story):
    assert tuple(story.stages) == STAGES[:7]
    missing = [name for name, stage in story.stages.items() if stage.missing]
    assert missing == ["shower", "mpi", "remnants", "strings", "hadrons"]
    assert all("engine hepmc" in story.stages[name].missing for name in missing)


def test_the_hard_process(story, batch):
    assert (story.fact("hard", "pthat"), story.fact("hard", "weight")) == (batch.pthat[0], batch.weight[0])
    higgs, bottom = sorted(story.table("hard", "partons"), key=lambda parton: parton["parton"] != "H")
    assert higgs["parton"] == "H" and bottom["parton"] in ("b", "bbar")
    assert higgs["pT"] == pytest.approx(bottom["pT"], rel=1e-5) == pytest.approx(batch.pthat[0], rel=1e-5)  # back to back
    assert abs(higgs["phi"] - bottom["phi"]) == pytest.approx(np.pi, abs=1e-5)
    mass2 = higgs["E"]**2 - (higgs["pT"] * np.cosh(higgs["eta"]))**2
    assert np.sqrt(mass2) == pytest.approx(125.0, abs=0.5)


def test_decays(story, batch):
    heavy = story.table("decays", "heavy")
    assert len(heavy) == len(batch.heavy_pdg_id) > 1 and all(heavy_flavour(number) > 0 for number in batch.heavy_pdg_id)
    assert all(0.0 < line["radius"] <= line["distance"] for line in heavy)
    assert sum(line["from Higgs"] for line in heavy) == batch.heavy_from_higgs.sum() > 1
    assert all(line["distance"] > heavy[line["mother"]]["distance"] for line in heavy if line["mother"] >= 0)
    assert story.fact("decays", "particles") == len(batch.pdg_id) > story.fact("decays", "charged")
    assert story.fact("decays", "charged") == sum(charge3(number) != 0 for number in batch.pdg_id)


def branching(initial, *pdg_id):
    return Branching(initial, 0, 5.0, 1, 2, (3, 4), pdg_id, np.zeros((2, 4)), np.zeros(4))


@pytest.mark.parametrize(("initial", "pdg_id", "text"), [
    (False, (21, 5, -5), "g -> b bbar"), (False, (-1, -1, 21), "dbar -> dbar g"),
    (True, (5, 21, -5), "g -> b bbar"), (True, (21, 2, 2), "u -> g u")])
def test_branchings_go_from_mother_to_daughters(initial, pdg_id, text):
    """Going back from a b quark that came in, the gluon is found that it stems from: first the daughter, then its mother."""
    assert kind(branching(initial, *pdg_id)) == text
