"""Pseudo-experiments for boosted H->bb tagging."""
