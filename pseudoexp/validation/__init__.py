"""Comparison of two samples: distances per observable, a classifier two-sample test, a page, limits."""
