"""Results as files: written whole, read strictly, checked by judging the scores again."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pseudoexp.benchmark import evaluate, identities
from pseudoexp.benchmark.results import (
    About,
    check,
    differences,
    named_sources,
    read_result,
    read_results,
    with_about,
    write_result,
)
from pseudoexp.errors import ConfigError, PseudoexpError


@pytest.fixture
def scores(small):
    named = identities("v1-small", "test")
    rng = np.random.default_rng(1)
    y = named.row % 2
    return {"score": rng.normal(size=(len(y), 3)) + 2 * y[:, None], "eventNumber": named.eventNumber, "jet": named.jet}


@pytest.fixture
def stored(scores, tmp_path):
    about = About("toy-net", "A toy", "39 inputs", 17, (1, 2, 3), "python toy.py")
    write_result(tmp_path / "toy-net-v1-small.json", with_about(evaluate(scores), about))
    return tmp_path / "toy-net-v1-small.json"


def test_a_result_comes_out_again(stored, scores):
    assert check(stored, scores) == []
    assert read_result(stored)["about"]["parameters"] == 17


def test_other_scores_come_out_otherwise(stored, scores):
    scores["score"][5, 1] += 1e-3
    lines = check(stored, scores)
    assert any(line.startswith("scores_sha256: ") for line in lines)


def test_a_figure_that_was_changed(stored, scores):
    content = json.loads(stored.read_text())
    content["over_seeds"]["auc"]["median"] += 1e-4
    content["figures"]["pt_bins"][0]["rows"] += 1
    stored.write_text(json.dumps(content))
    assert [line.split(":")[0] for line in check(stored, scores)] == ["figures.pt_bins.0.rows", "over_seeds.auc.median"]


def test_differences():
    one = {"a": [1.0, None, "x"], "release": {"status": "candidate"}}
    assert differences(one, {"a": [1.0 + 1e-12, None, "x"], "release": {"status": "frozen"}}) == []
    assert differences(one, {"a": [1.0, 0.0, "x"], "release": {"status": "frozen"}}) == ["a.1: None stored, 0.0 found"]
    assert len(differences(one, {"a": [1.0], "b": 1})) == 3
    assert differences({"a": True}, {"a": 1.5}) == ["a: True stored, 1.5 found"]


def broken(content, change):
    content = json.loads(content)
    change(content)
    return json.dumps(content)


@pytest.mark.parametrize(("change", "message"), [
    (lambda c: c.pop("headline"), "no result of the benchmark"), (lambda c: c.update(format=2), "another format"),
    (lambda c: c.update(protocol="0"), "protocol '0'; allowed: '1'"), (lambda c: c["release"].update(name="v9"), "release 'v9'"),
    (lambda c: c["headline"].update(median="high"), "'high' where a number belongs"),
    (lambda c: c["over_seeds"]["rejection"]["0.5"].update(median=float("nan")), "where a number belongs"),
    (lambda c: c["about"].update(method="../x"), "method '../x'"), (lambda c: c["about"].update(more=1), "TypeError"),
    (lambda c: c["about"].update(title="a\nb"), "title of toy-net"), (lambda c: c.update(over_seeds=[]), "TypeError"),
    (lambda c: c.update(release=None), "TypeError"), (lambda c: c["release"].pop("engine"), "KeyError"),
    (lambda c: c["release"].update(engine_version="\x1b[2J"), "where a text belongs"), (lambda c: c.update(seeds=True), "'True'"),
    (lambda c: c["headline"].update(median=None), "KeyError"), (lambda c: c["about"].update(parameters="many"), "'many'")])
def test_what_is_no_result(stored, change, message):
    stored.write_text(broken(stored.read_text(), change))
    with pytest.raises(ConfigError, match=message):
        read_result(stored)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=50) | st.binary(max_size=50) | st.recursive(
    st.none() | st.integers() | st.text(max_size=5), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["format", "about", "protocol", "release", "split", "headline"]), inner, max_size=7)).map(json.dumps))
def test_any_text_as_a_result(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("result") / "a.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
    with pytest.raises(PseudoexpError):
        read_result(path)


def test_a_folder_of_results(stored):
    assert [one["about"]["method"] for one in read_results(stored.parent)] == ["toy-net"]
    stored.rename(stored.with_name("other.json"))
    with pytest.raises(ConfigError, match=r"METHOD-RELEASE\.json, here toy-net-v1-small\.json"):
        read_results(stored.parent)
    with pytest.raises(ConfigError, match="no folder"):
        read_results(stored)


def test_wrong_seeds_and_words(scores, tmp_path):
    with pytest.raises(ConfigError, match="2 seeds for 3 columns"):
        with_about(evaluate(scores), About("a", seeds=(1, 2)))
    for words in (["v1-other"], ["v1-other="], ["v1-other=a", "v1-other=b"], ["v7=a"]):
        with pytest.raises(ConfigError):
            named_sources(words)
    with pytest.raises(ConfigError, match="cannot be written"):
        write_result(tmp_path / "none" / "a.json", {})
    with pytest.raises(ConfigError, match="v1-other are needed"):
        write_result(tmp_path / "a.json", with_about(evaluate(scores), About("a")) | {"transfer": {"v1-other": {}}})
        check(tmp_path / "a.json", scores)
