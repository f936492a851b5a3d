"""Benchmarks: each prints its measurements beside a limit, or beside a peer measured in the same run."""
