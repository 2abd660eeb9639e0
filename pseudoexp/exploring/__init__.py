"""A dataset as one interactive page: distributions, correlations, events, cut-flow, attributes."""
