"""What a sweep.toml means: a grid of jobs whose names stay; whatever is wrong takes one line."""

import pytest
from mock_file import mock_file

from tagger import sweep_request
from tagger.cli import main
from tagger.sweep_request import Request, jobs_of

PRUNE = '[[scan]]\nkind = "prune"\n'
QUANTISE = '[[scan]]\nkind = "quantise"\n'
HEAD = 'data = "mock.h5"\nseeds = [1, 2]\nhidden = [6, 4]\nepochs = 2\nbatch = 256\n'
NAMES = ["prune-autopruner-25pc-s1-0801335d", "prune-autopruner-25pc-s2-9f8761cb"]
QUANTISED = ["quantise-1e05-100pc-s1-635e6261", "quantise-1e05-100pc-s2-e97291b5"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("request")
    mock_file(folder / "mock.h5", 1500)
    return folder


def _request(folder, scans, head=HEAD):
    path = folder / "sweep.toml"
    path.write_text(head + scans)
    return path


def test_a_request_is_a_grid(folder):
    scans = ('[[scan]]\nkind = "prune"\nmethod = ["none", "autopruner", "random"]\nnodes = ["50%", 4]\n'
             'constraint = ["fermi", "topk"]\n')
    jobs = jobs_of(Request.load(_request(folder, scans)))
    assert len(jobs) == 2 * (1 + 2 * 2 + 2), "the full network once, constraints of autopruner alone"
    assert len({job.name for job in jobs}) == len(jobs)
    again = jobs_of(Request.load(_request(folder, scans, HEAD.replace("[1, 2]", "[2]"))))
    assert {job.name for job in again} < {job.name for job in jobs}
    other = jobs_of(Request.load(_request(folder, scans, HEAD.replace("epochs = 2", "epochs = 3"))))
    assert not {job.name for job in other} & {job.name for job in jobs}
    third = jobs_of(Request.load(_request(folder, scans, HEAD + "quantise_epochs = 3\n")))
    assert {job.name for job in third} == {job.name for job in jobs}
    more = jobs_of(Request.load(_request(folder, scans.replace('nodes', 'seeds = [2, 3, 4]\nnodes'))))
    assert {job.seed for job in more} == {2, 3, 4} and {job.name for job in again} < {job.name for job in more}
    longer = jobs_of(Request.load(_request(folder, scans.replace('nodes', 'epochs = [0, 4]\nnodes'))))
    assert {job.name for job in jobs} < {job.name for job in longer} and len(longer) == 2 * (1 + 2 * (2 * 2 + 2))
    search = jobs_of(Request.load(_request(folder, '[[scan]]\nkind = "layouts"\nhidden = [4, 4]\nnodes = 3\n')))
    assert [job.seed for job in search] == [None] and search[0].settings["hidden"] == [4, 4]


def test_a_frontier_over_prices_can_have_a_wide_tolerance(folder):
    usual = jobs_of(Request.load(_request(folder, QUANTISE + "beta = [1e-5, 1e-4]\n")))
    wide = jobs_of(Request.load(_request(folder, QUANTISE + "beta = [1e-5, 1e-4]\ntolerance = [0.0015, 0.05]\n")))
    assert len(wide) == 8 and {job.name for job in usual} < {job.name for job in wide}
    assert [job.settings.get("tolerance") for job in wide] == 2 * [None, None, 0.05, 0.05]
    assert all("-0.05-" in job.name for job in wide if "tolerance" in job.settings)


@pytest.mark.parametrize(("text", "said"), [
    (HEAD, "at least one"), (HEAD + '[[scan]]\nkind = "melt"\n', "prune, select"), ("x = 1\n" + HEAD, "'x' is unknown"),
    (HEAD + '[[scan]]\nkind = "prune"\ncolour = 1\n', "'colour' is unknown"), ("seeds = [1]\n", "data = "), ("{", "not TOML"),
    (HEAD.replace("[1, 2]", '["a"]') + '[[scan]]\nkind = "prune"\n', "whole numbers"),
    (HEAD + '[[scan]]\nkind = "prune"\nseeds = 3\n', "whole numbers"),
    (HEAD + '[[scan]]\nkind = "layouts"\nseeds = [3]\n', "'seeds' is unknown"),
    (HEAD + '[[scan]]\nkind = "layouts"\nhidden = 4\n', "values like"),
    (HEAD + '[[scan]]\nkind = "prune"\nnodes = []\n', "values like"),
    ('others = "a.h5"\n' + HEAD + '[[scan]]\nkind = "prune"\n', "a list of files"),
    (HEAD + '[notes]\nwhy = "so"\n[[scan]]\nkind = "prune"\n', "text by kind of scan"),
    (HEAD.replace("epochs = 2", "epochs = 0") + PRUNE, "epochs = 0; allowed: a whole number of at least 1"),
    (HEAD.replace("epochs = 2", "epochs = inf") + PRUNE, "epochs = inf"), (HEAD.replace("256", "true") + PRUNE, "batch = True"),
    (HEAD.replace("[6, 4]", '["a"]') + PRUNE, "hidden = ['a']"), (HEAD + "learning_rate = nan\n" + PRUNE, "finite number"),
    (HEAD + "learning_rate = 3\n" + PRUNE, "learning rate 3"), (HEAD.replace("[1, 2]", "[99999999999]") + PRUNE, "whole numbers"),
    (HEAD.replace("mock.h5", "\\u0000") + PRUNE, "data = "), ("seeds = " + 5000 * "[", "not TOML"),
    (f"seeds = [{9 * '1' * 1000}]\n" + PRUNE, "not TOML"), (2**20 * " " + HEAD + PRUNE, "longer than"),
    (HEAD + PRUNE + "retrain = 1\n", "values like False"), (HEAD + PRUNE + "nodes = [true]\n", "values like '50%'"),
    (HEAD + '[[scan]]\nkind = "distil"\nshare = nan\n', "values like 0.5"),
    (HEAD + QUANTISE + "tolerance = nan\n", "tolerance = nan in a scan of kind quantise; allowed: values like 0.0015, none"),
    (HEAD + QUANTISE + "tolerance = [0.01, -0.1]\n", "tolerance = [0.01, -0.1]"),
    (HEAD + QUANTISE + 'tolerance = "wide"\n', "values like 0.0015"),
    (HEAD + "learning_rate = -1\n" + PRUNE, "learning_rate = -1; allowed: a finite number from 0 on"),
    (HEAD + '[[scan]]\nkind = "layouts"\nnodes = "50%"\n', "values like 12"),
    (HEAD + '[[scan]]\nkind = "distil"\nhidden = [[3, "a"]]\n', "values like [16, 8]"),
    ("rows = 3\n" + HEAD + '[[scan]]\nkind = "prune"\n', "at least 100")])
def test_mistakes_take_one_line(text, said, folder, capsys):
    path = folder / "wrong.toml"
    path.write_text(text)
    assert main(["sweep", str(path), "--out", str(folder / "never")]) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1
    assert not (folder / "never").exists()


def test_names_of_jobs_stay_until_methods_change(folder, monkeypatch):
    """A result of an older version is taken for this one's as long as its name is."""
    request = Request.load(_request(folder, PRUNE + 'nodes = ["25%"]\n'))
    names = [job.name for job in request.jobs("0123456789abcdef")]
    assert names == NAMES
    quantised = Request.load(_request(folder, QUANTISE + "beta = 1e-5\n")).jobs("0123456789abcdef")
    assert [job.name for job in quantised] == QUANTISED
    monkeypatch.setattr(sweep_request, "METHODS", 2)
    again = [job.name for job in request.jobs("0123456789abcdef")]
    assert not set(again) & set(names) and [name[:-8] for name in again] == [name[:-8] for name in names]
