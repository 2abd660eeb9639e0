"""Whatever the format, every value comes back with its bits; mistakes are errors and leave nothing behind."""

import json
import tracemalloc

import h5py
import numpy as np
import pytest
from mock_file import mock_file, mock_jets, mock_tracks

import pseudoexp
from pseudoexp.cli.app import app, run
from pseudoexp.converting import convert as converting
from pseudoexp.converting import source
from pseudoexp.dataset import schema
from pseudoexp.dataset.metadata import Provenance, Tally
from pseudoexp.dataset.writer import FileWriter
from pseudoexp.errors import ConfigError, DataError, MissingExtra, SchemaError

pq = pytest.importorskip("pyarrow.parquet")
uproot = pytest.importorskip("uproot")
ROWS, TRACKS = 700, 6
AWKWARD = np.array([0x7FC00001, 0xFFC12345, 0x7FC00000, 0x80000000, 1, 0x7F800000, 0xFF800000, 0x7F7FFFFF], "<u4").view("<f4")
"""Different NaN, -0, a subnormal number, infinities, the largest number."""
COMPOUND = {"jets": schema.JET_DTYPE, "tracks": schema.TRACK_DTYPE, "mcEventWeights": schema.VARIATION_DTYPE}


def full_file(path):
    """A file with all optional datasets and values that are easily lost."""
    jets, tracks = schema.pack_jets(mock_jets(ROWS)), schema.pack_tracks(mock_tracks(ROWS, TRACKS))
    jets["D2"] = np.resize(AWKWARD, ROWS)
    tracks["d0"][:, 0] = np.resize(AWKWARD, ROWS)
    tracks["valid"][7] = False  # a row without tracks
    weights = schema.pack_variations(np.random.default_rng(3).normal(1, 3, (ROWS, len(schema.VARIATION_FIELDS))))
    with FileWriter(path, ROWS, Provenance('{"engine":"mock"}', "0" * 64, 1), tracks=TRACKS, variations=True) as writer:
        writer.write(jets, tracks, weights)
        writer.finish(Tally((700, 700), (1.4e-3, 2.6e5)))
    return path


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return full_file(tmp_path_factory.mktemp("convert") / "full.h5")


@pytest.fixture
def small_groups(monkeypatch):
    """Blocks of some 70 rows and groups of 30, so that a small file has many."""
    monkeypatch.setattr(source, "READ_BYTES", 60_000)
    monkeypatch.setattr(converting, "GROUP_BYTES", 25_000)


def rows_of(path, split=None):
    with h5py.File(path) as file:
        everything = {name: file[name][:] for name in COMPOUND}
    return source.in_rows(everything, split)


def same_bits(got, wanted):
    got, wanted = np.asarray(got), np.asarray(wanted)
    assert got.dtype.newbyteorder("=") == wanted.dtype and got.shape == wanted.shape
    assert got.astype(wanted.dtype).tobytes() == wanted.tobytes()


def compare(read, rows):
    """`read(name)` gives a column, or the (counts, values) of one with lists."""
    valid = rows["tracks"]["valid"]
    for dataset, dtype in COMPOUND.items():
        for field in dtype.names:
            if dataset != "tracks":
                name = field if dataset == "jets" else f"{dataset}_{field}".replace(".", "p")
                same_bits(read(name), rows[dataset][field])
            elif field != "valid":
                counts, values = read(f"tracks_{field}")
                assert np.array_equal(counts, valid.sum(axis=1))
                same_bits(values, rows["tracks"][valid][field])


def parquet_column(table):
    def read(name):
        column = table[name].combine_chunks()
        if not name.startswith("tracks_"):
            return column.to_numpy(zero_copy_only=False)
        return column.value_lengths().to_numpy(), column.flatten().to_numpy(zero_copy_only=False)
    return read


def root_column(tree):
    def read(name):
        import awkward as ak

        array = tree[name].array()
        return (ak.num(array).to_numpy(), ak.flatten(array).to_numpy()) if name.startswith("tracks_") else array.to_numpy()
    return read


def test_parquet_of_all_rows(path, tmp_path, small_groups):
    summary = pseudoexp.convert(path, tmp_path / "a.parquet", to="parquet")
    assert summary.rows == {"a.parquet": ROWS} and [p.name for p in tmp_path.iterdir()] == ["a.parquet"]
    stored = pq.ParquetFile(tmp_path / "a.parquet")
    groups = [stored.metadata.row_group(i).num_rows for i in range(stored.num_row_groups)]
    assert len(groups) > 5 and len(set(groups[:-1])) == 1
    parts = [stored.metadata.row_group(0).column(i) for i in range(stored.metadata.num_columns)]
    packed = {part.path_in_schema: (part.compression, any("DICTIONARY" in name for name in part.encodings)) for part in parts}
    assert packed["pt"] == packed["tracks_d0.list.element"] == ("ZSTD", False) and packed["flavour_label"] == ("ZSTD", True)
    compare(parquet_column(stored.read()), rows_of(path))


def test_parquet_folder_has_a_file_per_split(path, tmp_path, small_groups):
    summary = pseudoexp.convert(path, tmp_path / "mirror", to="parquet")
    assert sum(summary.rows.values()) == ROWS and summary.bytes == sum(p.stat().st_size for p in (tmp_path / "mirror").iterdir())
    for split, name in (("train", "train"), ("val", "validation"), ("test", "test")):
        table = pq.read_table(tmp_path / "mirror" / f"{name}.parquet", partitioning=None)
        compare(parquet_column(table), rows_of(path, split))
        assert table.schema.metadata[b"split"] == split.encode()
    assert sorted(p.name for p in (tmp_path / "mirror").iterdir()) == ["test.parquet", "train.parquet", "validation.parquet"]


def test_parquet_says_what_the_file_says(path, tmp_path):
    pseudoexp.convert(path, tmp_path / "a.parquet", to="parquet")
    stored = pq.read_schema(tmp_path / "a.parquet")
    told = {key.decode(): value.decode() for key, value in stored.metadata.items()}
    with h5py.File(path) as file:
        given = {**file.attrs, **file["jets"].attrs}
    for name in ("dataset_hash", "configuration", "format_version", "dataset_version", "jet_counts"):
        assert told[name] == given[name]
    assert json.loads(told["flavour_label"]) == ["hbb", "qcd"] and json.loads(told["events_tried"]) == [700, 700]
    assert json.loads(told["cross_section"]) == [1.4e-3, 2.6e5] and told["seed"] == "1" and told["tracks_per_row"] == str(TRACKS)
    assert stored.field("pt").metadata == {b"unit": b"MeV", b"description": schema.JET_FIELDS[0].description.encode()}
    assert stored.field("tracks_d0").metadata[b"unit"] == b"mm"
    assert json.loads(told["units"])["mcEventWeights_fsr_muR_2"] == "pb"


@pytest.mark.parametrize("split", [None, "val"])
def test_root(path, tmp_path, small_groups, split):
    summary = pseudoexp.convert(path, tmp_path / "a.root", to="root", split=split)
    with uproot.open(tmp_path / "a.root") as file:
        tree = file["jets"]
        assert tree["pt"].num_baskets > 1 and sum(summary.rows.values()) == tree.num_entries
        compare(root_column(tree), rows_of(path, split))
        assert str(file["attributes/split"]) == (split or "all") and str(file["attributes/seed"]) == "1"
        assert json.loads(str(file["attributes/units"]))["tracks_z0SinTheta"] == "mm"


def test_compressed_files_give_the_same(tmp_path):
    for compression in ("none", "gzip"):
        data = mock_file(tmp_path / f"{compression}.h5", n=2500, tracks=3, compression=compression)
        pseudoexp.convert(data, tmp_path / f"{compression}.parquet", to="parquet")
    first, second = (pq.read_table(tmp_path / f"{name}.parquet") for name in ("none", "gzip"))
    same_bits(first["pt"].to_numpy(), second["pt"].to_numpy())
    assert first["tracks_vr_jet"].equals(second["tracks_vr_jet"])


def test_both_cards_of_a_shifted_file(tmp_path):
    rows = np.zeros(60, schema.PAIR_DTYPE)
    rows["pt"], rows["passes_nominal"] = np.arange(60), True
    with FileWriter(tmp_path / "s.h5", 60, Provenance("{}", "0" * 64, 1, shifted="{}"), two_cards=True) as writer:
        writer.write_pairs(rows, rows)
        writer.finish(Tally((30, 30), (1.0, 1.0)))
    pseudoexp.convert(tmp_path / "s.h5", tmp_path / "s.parquet", to="parquet")
    table = pq.read_table(tmp_path / "s.parquet")
    assert table["jets_shifted_pt"].to_pylist() == table["pt"].to_pylist() == list(range(60))
    assert table["jets_shifted_truthJet"].to_pylist() == [0] * 60 and "shifted_configuration" in str(table.schema.metadata)


@pytest.mark.parametrize(("columns", "wanted"), [
    (["mass", "pt", "mass"], ["mass", "pt"]), (["inputs", "flavour_label"], [*schema.INPUTS, "flavour_label"]),
    (["tracks_d0", "eta"], ["tracks_d0", "eta"]), (["mcEventWeights_r_b_0p66"], ["mcEventWeights_r_b_0p66"])])
@pytest.mark.parametrize("to", ["parquet", "root"])
def test_columns(path, tmp_path, columns, wanted, to):
    out = tmp_path / f"a.{to}"
    assert pseudoexp.convert(path, out, to=to, columns=columns, split="test").columns == wanted
    if to == "parquet":
        assert pq.read_schema(out).names == wanted
    else:
        with uproot.open(out) as file:
            assert set(file["jets"].keys()) - {"ntracks"} == set(wanted)


def test_names_of_datasets_stand_for_their_columns(path, tmp_path):
    names = pseudoexp.convert(path, tmp_path / "a.parquet", to="parquet", columns=["tracks", "mcEventWeights"]).columns
    assert len(names) == len(schema.TRACK_FIELDS) - 1 + len(schema.VARIATION_FIELDS)


def test_a_file_with_an_empty_split(tmp_path):
    data = mock_file(tmp_path / "a.h5", n=6)
    pseudoexp.convert(data, tmp_path / "m", to="parquet")
    assert pq.read_table(tmp_path / "m" / "test.parquet").num_rows + pq.read_table(tmp_path / "m" / "train.parquet").num_rows <= 6
    pseudoexp.convert(data, tmp_path / "a.root", to="root", split="test")
    with uproot.open(tmp_path / "a.root") as file:
        assert "jets" in file


@pytest.mark.parametrize(("options", "message"), [
    (["--to", "csv", "--out", "x.csv"], "format 'csv'; allowed: parquet, root, salt"),
    (["--to", "root", "--out", "x.root", "--split", "valid"], "split 'valid'; allowed: train, val, test"),
    (["--to", "root", "--out", "x.root", "--columns", "pt,energy"], "no column 'energy'; allowed: inputs, jets, tracks"),
    (["--to", "root", "--out", "x.root", "--columns", ","], "no column ''"),
    (["--to", "parquet", "--out", "x", "--split", "val"], "a folder gets all splits; allowed: --out NAME.parquet"),
    (["--to", "root", "--out", "missing/x.root"], "the folder missing does not exist"),
    (["--to", "root", "--out", "folder"], "folder: is a folder"), (["--to", "parquet", "--out", "old"], "old: is a file"),
    (["--to", "root", "--out", "old"], "old exists; --force"), (["--out", "x.root"], "--to")])
def test_mistakes(path, tmp_path, capsys, monkeypatch, options, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "old").write_text("mine")
    assert run(app, ["convert", str(path), *options]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1 and message in error
    assert sorted(p.name for p in tmp_path.iterdir()) == ["folder", "old"] and (tmp_path / "old").read_text() == "mine"


def test_other_mistakes(path, tmp_path):
    with pytest.raises(ConfigError, match="columns 'pt'; allowed: a sequence"):
        pseudoexp.convert(path, tmp_path / "a.root", to="root", columns="pt")
    with pytest.raises(ConfigError, match="columns is empty"):
        pseudoexp.convert(path, tmp_path / "a.root", to="root", columns=[])
    (tmp_path / "x.h5").write_text("no")
    with pytest.raises(SchemaError, match="not an HDF5 file"):
        pseudoexp.convert(tmp_path / "x.h5", tmp_path / "a.root", to="root")


@pytest.mark.parametrize("to", ["parquet", "root", "salt"])
def test_a_shard_says_which_part_it_is(tmp_path, to):
    """Its rows, its number and its own counts come along; the table of its chunks stays behind."""
    jets = schema.pack_jets(mock_jets(100))
    with FileWriter(tmp_path / "s.h5", 100, Provenance("{}", "0" * 64, 1, shard="3/8"), chunks=2) as writer:
        writer.write(jets)
        writer.write_chunks(np.zeros(2, schema.CHUNK_DTYPE))
        writer.finish(Tally((250, 500), (1.0, 1.0)))
    summary = pseudoexp.convert(tmp_path / "s.h5", tmp_path / f"a.{to}", to=to)
    assert summary.left_out == ["chunks"] and summary.columns == [field.name for field in schema.JET_FIELDS]
    if to == "root":
        with uproot.open(tmp_path / "a.root") as file:
            assert str(file["attributes/shard"]) == "3/8" and str(file["attributes/events_tried"]) == "[250,500]"
            same_bits(file["jets"]["pt"].array().to_numpy(), jets["pt"])
    elif to == "parquet":
        table = pq.read_table(tmp_path / "a.parquet")
        assert table.schema.metadata[b"shard"] == b"3/8" and table.schema.metadata[b"events_tried"] == b"[250,500]"
        same_bits(table["pt"].to_numpy(), jets["pt"])
    else:
        with h5py.File(tmp_path / "a.salt" / "val.h5") as file:
            assert file.attrs["shard"] == "3/8" and list(file) == ["jets"]
            same_bits(file["jets"]["pt"], jets["pt"][jets["eventNumber"] % 10 == 8])


@pytest.mark.parametrize(("to", "package", "extra"), [("parquet", "pyarrow", "parquet"), ("root", "uproot", "root")])
def test_a_missing_package_is_named(path, tmp_path, monkeypatch, to, package, extra):
    monkeypatch.setitem(__import__("sys").modules, package, None)
    with pytest.raises(MissingExtra, match=rf"{package} is not installed: pip install 'pseudoexp\[{extra}\]'"):
        pseudoexp.convert(path, tmp_path / f"a.{to}", to=to)


@pytest.mark.parametrize(("to", "name"), [("parquet", "mirror"), ("root", "a.root")])
def test_failing_midway_leaves_what_was_there(path, tmp_path, small_groups, monkeypatch, to, name):
    def fail(stage, done, total):
        if done > total / 2:
            raise DataError("stop")

    with pytest.raises(DataError):
        pseudoexp.convert(path, tmp_path / name, to=to, progress=fail)
    assert list(tmp_path.iterdir()) == []
    pseudoexp.convert(path, tmp_path / name, to=to)
    before = {p: p.read_bytes() for p in tmp_path.rglob("*.*") if p.is_file()}
    with pytest.raises(DataError):
        pseudoexp.convert(path, tmp_path / name, to=to, progress=fail, force=True)
    assert {p: p.read_bytes() for p in tmp_path.rglob("*.*") if p.is_file()} == before


@pytest.mark.parametrize("to", ["parquet", "salt"])
@pytest.mark.parametrize("force", [False, True])
def test_stopping_while_files_get_their_names_leaves_none_of_them(path, tmp_path, monkeypatch, to, force):
    if force:
        pseudoexp.convert(path, tmp_path / "m", to=to)
    replace, names = type(tmp_path).replace, []

    def stop(self, target):
        names.append(target)
        if len(names) == 2:
            raise KeyboardInterrupt
        return replace(self, target)

    monkeypatch.setattr(type(tmp_path), "replace", stop)
    with pytest.raises(KeyboardInterrupt):
        pseudoexp.convert(path, tmp_path / "m", to=to, force=force)
    assert len(names) == 2 and list((tmp_path / "m").glob("*") if force else tmp_path.iterdir()) == []


def test_one_writer_at_a_time_behind_a_link_too(path, tmp_path):
    link, place = tmp_path / "link.parquet", tmp_path / "a.parquet"
    for force in (False, True):
        if not force:
            link.symlink_to(place)

        def second(stage, done, total):
            with pytest.raises(ConfigError, match="another process is writing it"):
                pseudoexp.convert(path, place, to="parquet", force=True)

        pseudoexp.convert(path, link, to="parquet", progress=second, force=force)
        assert link.is_symlink() and sorted(p.name for p in tmp_path.iterdir()) == ["a.parquet", "link.parquet"]


def test_force_replaces_and_leaves_others_files(path, tmp_path):
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "README.md").write_text("mine")
    for force in (False, True):
        pseudoexp.convert(path, tmp_path / "m", to="parquet", columns=["pt"] if force else None, force=force)
    assert pq.read_schema(tmp_path / "m" / "test.parquet").names == ["pt"] and (tmp_path / "m" / "README.md").exists()


def test_command(path, tmp_path, capsys):
    assert run(app, ["convert", str(path), "--to", "parquet", "--out", str(tmp_path / "m")]) == 0
    assert "rows in validation.parquet" in capsys.readouterr().out
    assert run(app, ["convert", str(path), "--to", "parquet", "--out", str(tmp_path / "m"), "--force", "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")


def test_images_are_left_out_and_named(tmp_path, capsys):
    file = mock_file(tmp_path / "images.h5", n=300, images=4)
    assert run(app, ["convert", str(file), "--to", "parquet", "--out", str(tmp_path / "m.parquet")]) == 0
    assert "left out: images" in capsys.readouterr().out
    plain = mock_file(tmp_path / "plain.h5", n=300, tracks=2)
    assert pseudoexp.convert(plain, tmp_path / "plain.parquet", to="parquet").left_out == []


def test_gathered_groups_are_whole():
    rows = {"jets": np.arange(100).astype([("a", "<i8")])}
    group = source.Gathered(30)
    parts = [{"jets": rows["jets"][i:i + 7]} for i in range(0, 100, 7)]
    groups = [g for part in parts for g in group.add(part)] + list(group.rest())
    assert [len(g["jets"]) for g in groups] == [30, 30, 30, 10]
    assert np.array_equal(np.concatenate([g["jets"]["a"] for g in groups]), np.arange(100))


@pytest.mark.parametrize("to", ["parquet", "root", "salt"])
def test_memory_does_not_grow_with_the_rows(tmp_path, monkeypatch, to):
    monkeypatch.setattr(source, "READ_BYTES", 1 << 18)
    monkeypatch.setattr(converting, "GROUP_BYTES", 1 << 18)
    peaks = []
    for n in (300, 3000, 12_000):  # the first one imports everything
        data = mock_file(tmp_path / f"{n}.h5", n=n)
        tracemalloc.start()
        pseudoexp.convert(data, tmp_path / f"{n}.{to}", to=to)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[2] < 1.3 * peaks[1] + 1_000_000
