"""From configuration to file: exact rows, any number of workers, interruptions, nothing overwritten."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import fake_chunks
import h5py
import numpy as np
import pytest
from in_process import InProcess

import pseudoexp
from pseudoexp.dataset import schema
from pseudoexp.errors import ConfigError, DamagedFile, GenerationError, SchemaError
from pseudoexp.production import run
from pseudoexp.production.schedule import Made
from pseudoexp.production.worker import Done

TESTS = Path(fake_chunks.__file__).parent


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(run, "start_workers", InProcess)


def make(out, n=1500, maker=fake_chunks.make_chunk, **options):
    return pseudoexp.generate(n, out, make_chunk=maker, **options)


def jets(path):
    with h5py.File(path) as file:
        return file["jets"][:]


@pytest.mark.parametrize("n", [1, 2, 777])
def test_exact_rows_and_summary(tmp_path, quick, n):
    summary = make(tmp_path / "a.h5", n, signal_fraction=0.3)
    rows = jets(tmp_path / "a.h5")
    assert len(rows) == n and sum(summary.rows.values()) == n and summary.rows["hbb"] == int(n * 0.3)
    with h5py.File(tmp_path / "a.h5") as file:
        attributes = dict(file["jets"].attrs)
    assert attributes["dataset_hash"] == summary.dataset_hash
    assert list(attributes["events_tried"]) == list(summary.events_tried.values())
    assert json.loads(attributes["configuration"])["signal_fraction"] == 0.3
    assert summary.cross_section["qcd"] == pytest.approx(2.0)
    assert 0.3 < summary.filter_efficiency["qcd"] <= 1.0 or n < 10
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.h5", "a.h5.sha256"]


def test_shorter_file_is_a_prefix(tmp_path, quick):
    for name, n in (("a.h5", 500), ("b.h5", 2000)):
        make(tmp_path / name, n)
    assert np.array_equal(jets(tmp_path / "a.h5"), jets(tmp_path / "b.h5")[:500])


def test_one_and_two_worker_processes_make_the_same_bytes(tmp_path):
    for threads in (1, 2):
        make(tmp_path / f"{threads}.h5", threads=threads, keep_unmatched=True, tracks=2)
    assert (tmp_path / "1.h5").read_bytes() == (tmp_path / "2.h5").read_bytes()


def test_every_residue_holds_both_classes(tmp_path, quick):
    make(tmp_path / "a.h5", 4000)
    rows = jets(tmp_path / "a.h5")
    for process in (0, 1):
        counts = np.bincount(rows["eventNumber"][rows["flavour_label"] == process] % 10, minlength=10)
        assert counts.min() > 120 and counts.sum() == 2000


def test_compression_and_tracks(tmp_path, quick):
    plain, packed = (make(tmp_path / f"{c}.h5", tracks=3, compression=c) for c in ("none", "gzip"))
    assert plain.dataset_hash == packed.dataset_hash and plain.sha256 != packed.sha256


SCRIPT = """
import sys
sys.path.insert(0, sys.argv[1])
import pseudoexp
pseudoexp.generate(6000, sys.argv[2], make_chunk="fake_chunks:slow_chunk", threads=2)
"""


def chunks(out):
    return sorted(Path(f"{out}.parts").glob("*.rows"))


def test_killed_run_resumes_to_the_same_file(tmp_path, quick):
    out = tmp_path / "a.h5"
    process = subprocess.Popen([sys.executable, "-c", SCRIPT, str(TESTS), str(out)])
    deadline = time.monotonic() + 60
    while len(chunks(out)) < 5 and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert len(chunks(out)) >= 5 and not out.exists()
    time.sleep(0.3)  # a worker may finish its write
    chunks(out)[2].write_bytes(b"torn")
    made = {path.name: path.stat().st_mtime_ns for path in chunks(out)}
    with pytest.raises(ConfigError, match="--resume continues it"):
        make(out, 6000)
    with pytest.raises(ConfigError, match="seed: 1, not 2"):
        make(out, 6000, seed=2, resume=True)
    assert {path.name: path.stat().st_mtime_ns for path in chunks(out)} == made
    resumed, straight = make(out, 6000, resume=True), make(tmp_path / "b.h5", 6000)
    assert resumed.dataset_hash == straight.dataset_hash
    assert out.read_bytes() == (tmp_path / "b.h5").read_bytes() and not Path(f"{out}.parts").exists()


@pytest.mark.parametrize(("maker", "message"), [
    (fake_chunks.killed_at_chunk_3, "killed by signal 9"), (fake_chunks.full_disk_at_chunk_3, "No space left")])
def test_failures_keep_what_was_made(tmp_path, monkeypatch, maker, message):
    out = tmp_path / "a.h5"
    with pytest.raises(GenerationError, match=f"{message}.*finished chunks are kept in .*, --resume") as error:
        make(out, maker=maker, threads=1)
    assert error.value.exit_code == 1 and chunks(out) and not out.exists()
    monkeypatch.setattr(run, "start_workers", InProcess)
    assert sum(make(out, resume=True).rows.values()) == 1500


def test_full_disk_while_assembling_keeps_the_chunks(tmp_path, quick, monkeypatch):
    def full(*arguments):
        raise OSError("[Errno 28] Can't write data (errno = 28, error message = 'No space left on device')")

    with monkeypatch.context() as patch:
        patch.setattr(run, "assemble", full)
        with pytest.raises(GenerationError, match=r"a.h5: No space left on device; \d+ finished chunks are kept"):
            make(tmp_path / "a.h5")
    assert not (tmp_path / "a.h5").exists()
    make(tmp_path / "a.h5", resume=True)


def test_no_rows_ever_ends(tmp_path, quick):
    with pytest.raises(GenerationError, match="is pthat_min too low"):
        make(tmp_path / "a.h5", maker=fake_chunks.no_rows)


def test_existing_file_is_kept_without_force(tmp_path, quick):
    out = tmp_path / "a.h5"
    out.write_text("thesis")
    with pytest.raises(ConfigError, match="exists; --force replaces it"):
        make(out)
    assert out.read_text() == "thesis" and list(tmp_path.iterdir()) == [out]
    make(out, force=True)
    assert len(jets(out)) == 1500


def test_resume_with_nothing_there_starts_and_with_a_finished_file_verifies(tmp_path, quick, monkeypatch):
    out = tmp_path / "a.h5"
    first = make(out, resume=True)
    monkeypatch.setattr(run, "start_workers", None)
    again = make(out, resume=True)
    assert again.dataset_hash == first.dataset_hash and again.sha256 == first.sha256 and "rate" not in again
    with pytest.raises(ConfigError, match="seed: 1, not 5"):
        make(out, seed=5, resume=True)
    with pytest.raises(ConfigError, match="n: 1500, not 1000"):
        make(out, 1000, resume=True)
    content = bytearray(out.read_bytes())
    content[-40_000] ^= 1
    out.write_bytes(content)
    with pytest.raises(DamagedFile):
        make(out, resume=True)


def test_interrupted_replacement_leaves_the_old_file(tmp_path, quick):
    out = tmp_path / "a.h5"
    make(out)
    before = out.read_bytes()
    with pytest.raises(GenerationError):
        make(out, seed=2, force=True, maker=fake_chunks.nan_in_event_7)
    assert out.read_bytes() == before


@pytest.mark.parametrize("options", [
    {"compression": "zip"}, {"threads": -1}, {"threads": "two"}, {"n": 0}, {"n": "1e12"}, {"card": "cms"}])
def test_wrong_options_write_nothing(tmp_path, options):
    with pytest.raises(ConfigError, match="allowed"):
        make(tmp_path / "a.h5", **options)
    assert list(tmp_path.iterdir()) == []


def test_more_rows_than_the_disk_holds(tmp_path):
    for dry_run in (False, True):
        with pytest.raises(ConfigError, match=r"100000000000 rows need .* GB of disk while they are made, .* GB are free"):
            make(tmp_path / "a.h5", "1e11", dry_run=dry_run)
    assert list(tmp_path.iterdir()) == []


def test_behind_a_link_is_one_file_with_one_writer(tmp_path, quick):
    link, place = tmp_path / "link.h5", tmp_path / "far" / "a.h5"
    place.parent.mkdir()
    link.symlink_to(place)

    def second(stage, done, total):
        for options in ({"resume": True}, {"force": True}):
            with pytest.raises(ConfigError, match="another process is writing it"):
                make(place, 200, **options)

    assert make(link, 200, progress=second).path == place
    assert link.is_symlink() and sorted(path.name for path in place.parent.iterdir()) == ["a.h5", "a.h5.sha256"]
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["link.h5"]


def test_wrong_places(tmp_path):
    for out in (tmp_path, tmp_path / "no" / "a.h5"):
        with pytest.raises(ConfigError, match="folder"):
            make(out)
    with pytest.raises(ConfigError, match=r"/proc/a.h5: cannot be written"):
        make("/proc/a.h5")


def test_a_card_without_calibration_is_refused_first(tmp_path):
    card = tmp_path / "mine.toml"
    card.write_text('base = "atlas-itk"\ncalibration = "gone.npz"\n')
    with pytest.raises(ConfigError, match=r"calibration 'gone.npz' not found; allowed: atlas-itk, "):
        make(tmp_path / "a.h5", card=str(card), dry_run=True)
    card.write_text(f'base = "atlas-itk"\ncalibration = "{tmp_path}/gone.npz"\n')
    (tmp_path / "gone.npz").write_text("nonsense")
    with pytest.raises(SchemaError, match=r"gone.npz: not a calibration"):
        make(tmp_path / "a.h5", card=str(card))
    assert {path.name for path in tmp_path.iterdir()} == {"mine.toml", "gone.npz"}


def test_dry_run_writes_nothing(tmp_path):
    plan = make(tmp_path / "a.h5", "4e6", dry_run=True)
    assert plan.rows == {"hbb": 2_000_000, "qcd": 2_000_000} and plan.bytes == 4_000_000 * schema.JET_DTYPE.itemsize
    assert list(tmp_path.iterdir()) == []


def test_progress_is_told(tmp_path, quick):
    calls = []
    make(tmp_path / "a.h5", progress=lambda *call: calls.append(call))
    assert [c[1] for c in calls if c[0] == "generating"][-1] == 1500 and calls[-1] == ("writing", 1500, 1500)


def test_profile_of_what_was_made(tmp_path, quick):
    profile = make(tmp_path / "a.h5").profile
    for process in ("signal", "qcd"):
        made = profile[process]
        assert made.rows >= 750 and made.events % 250 == 0 and made.rows < made.events
        assert set(made.seconds) == {"packing rows", "saving chunks"} and min(made.seconds.values()) > 0.0
        assert made.parts == {}
    assert set(profile.file) == {"making chunks", "writing", "publishing"}


def test_parts_of_stages_are_told_apart(tmp_path, quick):
    class State:
        made = Made()

    State.made.add(Done(0, 0, 3, (("events", 3.0), ("events: strings", 2.0))))
    State.made.add(Done(0, 1, 3, (("events", 3.0), ("events: strings", 1.0), ("events: decays", 0.5))))
    made = run._profile([State(), State()], {}).qcd
    assert made.seconds == {"events": 6.0} and made.parts == {"events": {"strings": 3.0, "decays": 0.5}}
