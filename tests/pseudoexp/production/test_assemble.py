"""Streams interleave exactly as planned, `other` rows beside their event."""

import fake_chunks
import numpy as np
import pytest

from pseudoexp.dataset import schema
from pseudoexp.production import assemble
from pseudoexp.production.assemble import ClassStream, Order, count_rows, interleaved, spooled, units
from pseudoexp.production.chunk import OTHER, PackedChunk, pack
from pseudoexp.production.plan import is_signal
from pseudoexp.production.run_config import RunConfig
from pseudoexp.production.spool import chunk_path, write_chunk

CHUNKS = 8


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("chunks")
    config = RunConfig.from_options(100, keep_unmatched=True)
    for process in (0, 1):
        for chunk in range(CHUNKS):
            write_chunk(chunk_path(folder, process, chunk), pack(config, process, chunk,
                                                                 fake_chunks.make_chunk(config, process, chunk)))
    return folder


def assembled(folder, config):
    streams = ClassStream(spooled(folder), 0), ClassStream(spooled(folder), 1)
    jets = schema.join([rows.jets for rows in interleaved(Order.of(config), streams)])
    return jets, [stream.result() for stream in streams]


def some_jets(events, labels):
    jets = np.zeros(len(events), schema.JET_DTYPE)
    jets["eventNumber"], jets["flavour_label"] = events, labels
    return jets


def test_units():
    jets = some_jets([1, 2, 2, 3, 4, 4, 4, 5, 6], [2, 0, 2, 2, 0, 0, 2, 2, 2])
    assert units(jets).tolist() == [0, 0, 0, 1, 1, 2, 2, 3, 3]
    assert units(some_jets([], [])).tolist() == []


@pytest.mark.parametrize("fraction", [0.5, 0.3, 1 / 3, 0.0, 1.0])
def test_counted_rows_follow_the_plan(folder, fraction):
    n = 600
    jets, _ = assembled(folder, RunConfig.from_options(n, signal_fraction=fraction, keep_unmatched=True))
    counted = jets[jets["flavour_label"] != OTHER]
    assert np.array_equal(counted["flavour_label"] == 0, is_signal(fraction, 0, n))
    for label in (0, 1):
        assert (np.diff(counted["eventNumber"][counted["flavour_label"] == label]) >= 0).all()


def test_other_rows_stand_beside_their_event(folder):
    config = RunConfig.from_options(600, keep_unmatched=True)
    jets, _ = assembled(folder, config)
    assert count_rows(Order.of(config), spooled(folder)) == len(jets) > 600
    numbers, labels = jets["eventNumber"], jets["flavour_label"]
    with_hbb = set(numbers[labels == 0])
    for i in np.flatnonzero(labels == OTHER):
        if numbers[i] in with_hbb:
            assert numbers[i - 1] == numbers[i]
    signal = numbers[labels != 1]
    assert (np.diff(signal) >= 0).all()


@pytest.mark.parametrize("keep", [True, False])
def test_shorter_is_a_prefix(folder, keep):
    long, _ = assembled(folder, RunConfig.from_options(700, keep_unmatched=keep))
    for n in (1, 2, 99, 350, 699):
        short, _ = assembled(folder, RunConfig.from_options(n, keep_unmatched=keep))
        assert np.array_equal(short, long[:len(short)])


def test_large_rows_come_in_smaller_parts(folder, monkeypatch):
    """So that memory does not grow with the images; the rows are the same."""
    config = RunConfig.from_options(600, keep_unmatched=True)
    whole, results = assembled(folder, config)
    monkeypatch.setattr(assemble, "WRITE_BYTES", 50 * schema.JET_DTYPE.itemsize)
    parts, same = assembled(folder, config)
    assert np.array_equal(whole, parts) and [r.events_tried for r in results] == [r.events_tried for r in same]
    pixels = 8
    images = RunConfig.from_options(600, images=pixels)

    def source(process, chunk):
        jets = some_jets(np.arange(100) + chunk * schema.EVENTS_PER_CHUNK, np.full(100, process))
        return PackedChunk(jets, None, 1.0, None, np.zeros((100, pixels, pixels), schema.IMAGE_DTYPE))

    blocks = [len(rows.images) for rows in interleaved(Order.of(images), (ClassStream(source, 0), ClassStream(source, 1)))]
    assert sum(blocks) == 600 and max(blocks) == 50 * schema.JET_DTYPE.itemsize // (schema.JET_DTYPE.itemsize + pixels**2 * 4)


def test_tried_events_end_with_the_last_row(folder):
    jets, results = assembled(folder, RunConfig.from_options(600))
    for process, result in enumerate(results):
        last = jets["eventNumber"][jets["flavour_label"] == process].max()
        assert result.events_tried == schema.engine_event_number(int(last))[1] + 1
        assert result.cross_section == pytest.approx(2.0)
        events = len(np.unique(jets["eventNumber"][jets["flavour_label"] == process]))
        assert result.accepted_weight == pytest.approx(2.0 * events)


def test_class_without_rows_tried_nothing(folder):
    _, results = assembled(folder, RunConfig.from_options(100, signal_fraction=0))
    assert tuple(results[0]) == (0, 0.0, 0.0)
