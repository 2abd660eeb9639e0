"""The list of hadrons: rows, vertices, capacity."""

from pseudoexp.core.jit import kernel
from pseudoexp.engines.builtin.hadrons import append_hadron, new_hadrons


@kernel
def decay(hadrons):
    """Let a K0S decay 5 mm away, in a list for two; return the rows."""
    a = append_hadron(hadrons, 310, -1, True, 0.0, 3.0, 4.0, 5.1, 0.5)
    hadrons.decay_vertex[a, 2] = 5.0
    b = append_hadron(hadrons, 211, a, True, 0.0, 1.0, 2.0, 3.0, 0.14)
    return a, b, append_hadron(hadrons, -211, a, True, 0.0, 1.0, 2.0, 3.0, 0.14)


def test_appended_rows():
    hadrons = new_hadrons(2)
    assert decay(hadrons) == (0, 1, -1)
    assert hadrons.filled[0] == 2
    assert hadrons.vertex.tolist() == [[0.0] * 4, [0.0, 0.0, 5.0, 0.0]]
    assert hadrons.mother.tolist() == [-1, 0]
    assert hadrons.from_higgs.all()
