"""Rows of a chunk are checked and ordered before they are kept."""

import fake_chunks
import numpy as np
import pytest

from pseudoexp.dataset import schema
from pseudoexp.errors import GenerationError
from pseudoexp.production.chunk import OTHER, import_function, maker_name, pack
from pseudoexp.production.run_config import RunConfig

CONFIG = RunConfig.from_options(100)
KEEP = RunConfig.from_options(100, keep_unmatched=True, tracks=2)


def test_other_rows_follow_their_event_or_are_left_out():
    rows = fake_chunks.make_chunk(KEEP, 0, 3)
    kept, without = pack(KEEP, 0, 3, rows), pack(CONFIG, 0, 3, rows)
    keys = list(zip(kept.jets["eventNumber"], kept.jets["flavour_label"] == OTHER, strict=True))
    assert keys == sorted(keys) and len(keys) == len(rows.jets) and kept.tracks.shape == (len(keys), 2)
    assert np.array_equal(kept.jets[kept.jets["flavour_label"] != OTHER], without.jets)
    assert kept.counted == without.counted == len(without.jets) < len(keys)


def test_event_numbers_are_the_files():
    rows = fake_chunks.make_chunk(CONFIG, 1, 3)
    events = rows.jets[:, schema.row("eventNumber")].astype(int)
    assert np.array_equal(pack(CONFIG, 1, 3, rows).jets["eventNumber"], schema.file_event_number(1, events))


def test_tracks_stay_with_their_rows():
    rows = fake_chunks.make_chunk(KEEP, 0, 0)
    rows.tracks[:, 0, schema.track_column("d0")] = rows.jets[:, schema.row("pt")]
    packed = pack(KEEP, 0, 0, rows)
    assert np.allclose(packed.tracks["d0"][:, 0] * 1000, packed.jets["pt"])


def test_nan_names_event_and_seed():
    with pytest.raises(GenerationError, match="vr1_ip3d_bu is not finite in qcd event 507, seed 1"):
        pack(CONFIG, 1, 2, fake_chunks.nan_in_event_7(CONFIG, 1, 2))


def test_rows_of_another_chunk_and_wrong_tracks_are_refused():
    rows = fake_chunks.make_chunk(CONFIG, 1, 3)
    with pytest.raises(GenerationError, match="not its own"):
        pack(CONFIG, 1, 4, rows)
    with pytest.raises(GenerationError, match="not in order"):
        pack(CONFIG, 1, 3, rows._replace(jets=rows.jets[::-1]))
    with pytest.raises(GenerationError, match="not 2 tracks"):
        pack(KEEP, 1, 3, rows)


def test_makers_travel_by_name():
    assert import_function(maker_name(fake_chunks.make_chunk)) is fake_chunks.make_chunk
    assert maker_name("a.b:c") == "a.b:c"
