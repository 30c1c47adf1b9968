"""One driver per peer: a small program that runs in the peer's own environment. See `benchmarks.peers.driver`."""
