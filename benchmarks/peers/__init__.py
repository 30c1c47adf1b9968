"""Superscalar beside its peers: the same graphs, the same tool, one run. `python -m benchmarks.peers --help`."""
