"""Benchmarks: each prints what it saw against a limit or a peer measured in the same run."""
