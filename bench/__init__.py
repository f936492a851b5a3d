"""Benchmarks: each prints its measurements next to a limit, or next to a peer measured in the same run."""
