"""Figures of runs that differ in their seeds alone."""

from tagger.report.sweep_points import rejections_of


def _point(rejection, above=None):
    return {"rejection": rejection, "rejection_above": above}


def test_a_limit_counts_as_what_it_is():
    free = rejections_of([_point(100.0), _point(300.0), _point(None, 400.0)])
    assert (free["median"], free["high"], free["limits"], free["above"]) == (300.0, 400.0, 1, False)
    assert rejections_of([_point(100.0), _point(300.0), _point(None, 200.0)])["above"], "the median may be larger"
    assert rejections_of([None, None]) is None
