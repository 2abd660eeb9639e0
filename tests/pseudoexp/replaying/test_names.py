"""Names of particles."""

import pytest

from pseudoexp.replaying.names import name


@pytest.mark.parametrize(("pdg_id", "text"), [
    (21, "g"), (-5, "bbar"), (25, "H"), (211, "pi+"), (-211, "pi-"), (511, "B0"), (-511, "B0bar"), (-2212, "pbar"),
    (2101, "(ud)0"), (-2203, "(uu)1bar"), (310, "K0S"), (-11, "e+"), (9_999_999, "9999999")])
def test_names(pdg_id, text):
    assert name(pdg_id) == text
