"""Guides and reference, and the programs that generate parts of the reference from the code."""
