"""A replayed event without a replay: three stages, some rows."""

import numpy as np
from mock_file import mock_jets

from pseudoexp.dataset import schema
from pseudoexp.replaying.story import Column, Fact, Stage, Story, Table


def toy_story(rows=2, number=40):
    """Return the story of signal event `number` with so many rows."""
    jets = schema.pack_jets(mock_jets(max(rows, 1)))[:rows]
    jets["eventNumber"] = number
    partons = Table("partons", "outgoing partons", (Column("parton"), Column("pT", "GeV"), Column("last")),
                    [("b", 123.456, True), ("H", float("inf"), False), ("g", float("nan"), False)])
    stages = {
        "hard": Stage("hard", [Fact("pthat", "pT-hat", 150.25, "GeV"), Fact("process", "scattering", "g b -> H b")],
                      [partons, Table("none", "what there is none of", (Column("parton"),), [])]),
        "shower": Stage("shower", missing="not followed"), "row": Stage("row", [Fact("rows", "rows of this event", rows)])}
    return Story(number, "signal", 20, 1, "builtin", "atlas-itk", stages, jets, None, {"towers": np.zeros((3, 3))})
