"""The list of partons: rows, colour tags, ancestry, capacity."""

from pseudoexp.core.jit import kernel
from pseudoexp.engines.builtin.partons import (
    FINAL,
    REPLACED,
    append_parton,
    forget_partons,
    new_colour,
    new_partons,
    new_systems,
)


@kernel
def split(partons, systems):
    """Let a gluon from a Higgs boson branch, in a list for two; return the rows."""
    forget_partons(partons, systems)
    tag = new_colour(partons)
    a = append_parton(partons, 21, REPLACED, -1, 0, 0.0, 3.0, 4.0, 5.0, 0.0, tag, new_colour(partons))
    partons.from_higgs[a] = True
    b = append_parton(partons, 5, FINAL, a, 0, 0.0, 3.0, 4.0, 7.0, 4.8, tag, 0)
    c = append_parton(partons, -5, FINAL, a, 0, 0.0, 3.0, 4.0, 7.0, 4.8, 0, 2)
    return a, b, c


def test_appended_rows():
    partons, systems = new_partons(2), new_systems(1)
    for _ in range(2):
        assert split(partons, systems) == (0, 1, -1)
    assert partons.filled.tolist() == [2, 2]
    assert partons.colour.tolist() == [[1, 2], [1, 0]]
    assert partons.from_higgs.tolist() == [True, True]
    assert partons.mother.tolist() == [-1, 0]
    assert partons.p4[1].tolist() == [0.0, 3.0, 4.0, 7.0]
