"""The leaderboard: what it shows, and that the pages which show it agree with the stored results."""

import json
from pathlib import Path

import pytest
from toy_releases import TEXT, frozen

import pseudoexp
from pseudoexp.benchmark.registry import release
from pseudoexp.benchmark.results import outdated, read_results
from pseudoexp.benchmark.table import EMPTY, render, rendered, table
from pseudoexp.errors import ConfigError

ROOT = Path(pseudoexp.__file__).parent.parent
PAGE = ("before\n<!-- leaderboard: short -->\nold\n<!-- /leaderboard -->\n"
        "between\n<!-- leaderboard: full -->\n<!-- /leaderboard -->\n")


def entry(median, error=3.0, spread=1.5, **more):
    return {"median": median, "error": error, "spread": spread, "values": [median], **more}


def result(method, headline, dataset_hash="a" * 64, name="v1-small"):
    rejection = {"0.3": entry(None, None, None, above=1234.5), "0.5": entry(153.4), "0.6": entry(headline), "0.7": entry(40.25)}
    return {"about": {"method": method, "title": f"{method} | <b>", "inputs": "39", "parameters": 5, "seeds": [1], "command": ""},
            "release": {"name": name, "status": "candidate", "engine": "builtin", "engine_version": "0.1",
                        "dataset_version": "0.2.0", "dataset_hash": dataset_hash}, "seeds": 1, "headline": entry(headline),
            "over_seeds": {"auc": entry(0.98765, 0.001, 0.0002), "rejection": rejection},
            "figures": {"mass_sculpting": {"0.6": {"distance": 0.25, "noise": 0.05}}}}


def test_what_stands_in_it(registered):
    registered(TEXT)
    text = table([result("good", 90.0), result("bad", 80.0)])
    lines = text.splitlines()
    assert "a candidate: its rows may still change" in lines[0] and "`aaaaaaaaaaaa`" in lines[0]
    assert lines[4] == ("| good / &lt;b> | 39 | 5 | 1 | 0.9877 ± 0.0010 (0.0002) | > 1.23e+03 | 153 ± 3 (2) | 90.0 ± 3.0 (1.5) | "
                        "40.2 ± 3.0 (1.5) | 0.25 (blind: 0.05) |")
    assert len({line.count("|") for line in lines[2:]}) == 1
    short = table([result("good", 90.0)], full=False)
    assert "| good / &lt;b> | 39 | 0.9877 | 153 ± 3 | 90.0 ± 3.0 | 40.2 ± 3.0 |" in short and "60 % (headline)" in short


def test_other_releases(registered):
    """Methods that were judged elsewhere stand in a second table of the full leaderboard, with a dash where they were not."""
    registered(TEXT)
    kept = {"0.6": {"signal_efficiency": 0.512, "background_efficiency": 0.01}}
    moved = {"over_seeds": {"auc": entry(0.97, 0.002, None), "rejection": {"0.6": entry(70.0)}}, "at_these_thresholds": kept}
    results = [result("a", 9.0) | {"transfer": {"v1-x": moved}}, result("b", 8.0) | {"transfer": {"v1-y": moved}},
               result("c", 7.0)]
    lines = table(results).splitlines()
    assert lines[-6].startswith("The same networks on the test split") and lines[-5] == ""
    assert lines[-3].count("---:") == 6 and [line.count("|") for line in lines[-4:]] == [8] * 4
    assert lines[-2:] == ["| a / &lt;b> | 0.9700 ± 0.0020 | 70.0 ± 3.0 (1.5) | 51.2 % | - | - | - |",
                          "| b / &lt;b> | - | - | - | 0.9700 ± 0.0020 | 70.0 ± 3.0 (1.5) | 51.2 % |"]
    assert "The same networks" not in table(results, full=False) and "The same networks" not in table(results[2:])


def test_a_table_per_sample(registered):
    registered(TEXT)
    assert table([]) == EMPTY
    assert table([result("a", 9.0), result("b", 8.0, "b" * 64)]).count("Release `v1-small`") == 2


def test_rows_of_an_earlier_candidate(registered):
    frozen(registered, dataset_hash="b" * 64)
    assert "(rows of an earlier candidate)" in table([result("a", 9.0)])


def test_pages_are_brought_up_to_date(tmp_path):
    (folder := tmp_path / "results").mkdir()
    page = tmp_path / "page.md"
    page.write_text(PAGE)
    assert render([page], folder, write=False) == [page] and page.read_text() == PAGE
    assert render([page], folder) == [page] and render([page], folder) == []
    assert page.read_text().count(EMPTY) == 2 and page.read_text().startswith("before\n") and "old" not in page.read_text()
    assert rendered(PAGE, [result("good", 90.0)], "page").count("| good") == 2
    page.write_text("nothing")
    with pytest.raises(ConfigError, match="no lines <!-- leaderboard"):
        render([page], folder)


def test_our_pages_agree_with_our_results():
    """`python -m pseudoexp benchmark table --into README.md --into BENCHMARK.md` brings them up to date."""
    pages = [ROOT / "README.md", ROOT / "BENCHMARK.md"]
    assert render(pages, ROOT / "benchmark" / "results", write=False) == []
    for one in read_results(ROOT / "benchmark" / "results"):
        assert not (release(one["release"]["name"]).frozen and outdated(one)), one["about"]
        assert one["split"] == "test" and len(one["about"]["seeds"]) >= 5 and one["about"]["command"], one["about"]
        json.dumps(one, allow_nan=False)
