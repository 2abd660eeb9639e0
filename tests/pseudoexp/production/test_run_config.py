"""Options become one checked, hashed configuration."""

import gzip
import json

import pytest

from pseudoexp.errors import ConfigError, MissingExtra
from pseudoexp.production.run_config import RunConfig, difference, parse_count, require_engine


@pytest.mark.parametrize(("text", "value"), [
    ("4e6", 4_000_000), ("200k", 200_000), ("1.5k", 1500), ("2M", 2_000_000), ("4_000", 4000), (4e6, 4_000_000),
    (7, 7), (" 12 ", 12), ("1e11", 10**11)])
def test_counts(text, value):
    assert parse_count(text, "n") == value


@pytest.mark.parametrize("text", ["0", "-5", "1e12", "1.5", "many", "", "nan", "inf", "1e9k", None, True, "k"])
def test_impossible_counts(text):
    with pytest.raises(ConfigError, match="allowed: a whole number from 1 to 1e"):
        parse_count(text, "n")


@pytest.mark.parametrize("options", [
    {"signal_fraction": -0.1}, {"signal_fraction": 1.1}, {"signal_fraction": float("nan")}, {"engine": "herwig"},
    {"seed": -1}, {"seed": 2**63}, {"pt_bias": -1}, {"pthat_min": 0}, {"pileup": -1}, {"pileup": 1e4},
    {"tracks": -1}, {"tracks": 10**6}, {"tracks": 1.5}, {"card": "cms"}])
def test_impossible_options_name_what_is_allowed(options):
    with pytest.raises(ConfigError, match=r"allowed") as error:
        RunConfig.from_options(100, **options)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("options", "message"), [
    ({"hepmc_qcd": "a"}, "hepmc_qcd: allowed: with engine 'hepmc'"), ({"engine": "hepmc"}, "hepmc_signal is missing"),
    ({"engine": "hepmc", "hepmc_signal": "a"}, "hepmc_qcd is missing"),
    ({"engine": "hepmc", "hepmc_signal": "a", "hepmc_qcd": "b", "pt_bias": 0.0}, "pt_bias = 0.0: the files"),
    ({"engine": "hepmc", "hepmc_signal": "a", "hepmc_qcd": "b", "pthat_min": 200}, "pthat_min = 200: the files")])
def test_files_belong_to_the_engine_that_reads_them(options, message):
    with pytest.raises(ConfigError, match=message):
        RunConfig.from_options(100, **options)
    assert RunConfig.from_options(100, engine="hepmc", hepmc_signal="a", signal_fraction=1.0).hepmc_signal == "a"


def test_files_are_known_by_their_content(tmp_path):
    pytest.importorskip("pyhepmc")
    from toy_hepmc import toy_batch, write

    first = write(tmp_path / "a", toy_batch(2))
    same, other = tmp_path / "b.gz", write(tmp_path / "c", toy_batch(3))
    same.write_bytes(gzip.compress(first.read_bytes()))
    configs = [RunConfig.from_options(10, engine="hepmc", hepmc_signal=path, hepmc_qcd=other) for path in (first, same, other)]
    assert configs[0].hash() == configs[1].hash() != configs[2].hash()
    content = json.loads(configs[0].json())
    assert "pt_bias" not in content and "hepmc_signal" not in content and len(content["hepmc_signal_sha256"]) == 64


def test_unknown_option_is_not_swallowed():
    with pytest.raises(TypeError):
        RunConfig.from_options(100, nonsense=1)


def test_hash_names_the_sequence_not_the_length():
    a, b = RunConfig.from_options(100), RunConfig.from_options("5k")
    assert a.hash() == b.hash() and a.json() != b.json()
    others = [RunConfig.from_options(100, **o) for o in (
        {"seed": 2}, {"signal_fraction": 0.4}, {"pt_bias": 0}, {"pthat_min": 200}, {"pileup": 20}, {"tracks": 5},
        {"keep_unmatched": True}, {"card": "hlt"})]
    assert len({c.hash() for c in (a, *others)}) == 9


def test_integer_and_float_options_are_the_same_configuration():
    assert RunConfig.from_options(100, pt_bias=4, pthat_min=150, pileup=0).hash() == RunConfig.from_options(100).hash()


def test_json_holds_the_whole_card():
    content = json.loads(RunConfig.from_options(100, "perfect").json())
    assert content["n"] == 100 and content["card"]["name"] == "perfect" and content["engine"] == "builtin"


def test_calibration_is_part_of_the_identity(tmp_path):
    hashes = set()
    for content in (b"one", b"two"):
        (tmp_path / "mine.npz").write_bytes(content)
        (tmp_path / "mine.toml").write_text(f'base = "atlas-itk"\ncalibration = "{tmp_path}/mine.npz"\n')
        hashes.add(RunConfig.from_options(10, str(tmp_path / "mine.toml")).hash())
    assert len(hashes) == 2


def test_difference_names_the_first_key():
    a, b = (RunConfig.from_options(10, card).identity() for card in ("atlas-itk", "hlt"))
    assert difference(a, a) == ""
    assert difference(a, b).startswith("card.")
    assert difference(a, a | {"seed": 9}) == "seed: 1, not 9"


def test_missing_engine(monkeypatch):
    monkeypatch.setattr("pseudoexp.optional.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"pip install 'pseudoexp\[pythia\]'"):
        require_engine("pythia8")
