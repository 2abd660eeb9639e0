"""From a quantised network to firmware: hls4ml project, C simulation, bit check."""
