"""puma's high-level results from our file with a tagger's scores in it."""

import h5py
import numpy as np
import pytest
from mock_file import mock_file

puma = pytest.importorskip("puma")
results_module = pytest.importorskip("puma.hlplots")
Flavours = pytest.importorskip("ftag").Flavours


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """A copy of a file with two columns more, named as taggers name their scores."""
    given = mock_file(tmp_path_factory.mktemp("puma") / "a.h5", n=4000)
    with h5py.File(given) as file, h5py.File(given.with_name("scores.h5"), "w") as out:
        jets = file["jets"][:]
        scores = [("ours_phbb", "<f4"), ("ours_pqcd", "<f4")]
        more = np.zeros(len(jets), [*((name, jets.dtype[name]) for name in jets.dtype.names), *scores])
        for name in jets.dtype.names:
            more[name] = jets[name]
        more["ours_phbb"] = 1 / (1 + np.exp(-0.5 * (jets["vr1_ip3d_bu"] + jets["vr2_ip3d_bu"] - 3)))
        more["ours_pqcd"] = 1 - more["ours_phbb"]
        out["jets"] = more
        for name in file["jets"].attrs:
            out["jets"].attrs[name] = file["jets"].attrs[name]
    return given.with_name("scores.h5")


@pytest.fixture
def results(path, tmp_path):
    flavours = [Flavours["hbb"], Flavours["qcd"]]
    # puma 0.5.6 cannot write the label of a reference beside the ratio (its figures have no renderer): an empty one
    tagger = puma.hlplots.Tagger("ours", "", category="xbb", output_flavours=flavours, fxs={"fqcd": 1.0}, reference=True)
    made = puma.hlplots.Results(signal="hbb", sample="mock", category="xbb", perf_vars=["pt", "mass"], output_dir=tmp_path,
                                extension="png", atlas_first_tag=None)
    made.backgrounds = [Flavours["qcd"]]
    made.load_taggers_from_file([tagger], path, label_var=["R10TruthLabel_R22v1"])
    return made


def test_labels_scores_and_units_are_understood(path, results):
    tagger = next(iter(results.taggers.values()))
    with h5py.File(path) as file:
        jets = file["jets"][:]
    assert [tagger.n_jets("hbb"), tagger.n_jets("qcd")] == np.bincount(jets["flavour_label"]).tolist()
    in_gev = np.sort(jets["pt"]) / 1000
    assert np.allclose(np.sort(tagger.perf_vars["pt"]), in_gev)  # its reader shuffles
    assert np.allclose(np.sort(tagger.probs("hbb")), np.sort(jets["ours_phbb"]))


def test_roc_and_score_plots_are_written(results, tmp_path):
    results.plot_rocs()
    results.plot_probs()
    results.plot_discs(bins=40, bins_range=(-6, 6))
    assert len(list(tmp_path.rglob("*.png"))) >= 3


def test_efficiency_against_a_variable(results, tmp_path):
    results.plot_var_perf(perf_var="pt", bins=[250, 350, 500, 1000], working_point=0.7)
    assert list(tmp_path.rglob("*eff*.png"))
