"""Tests of where messages live."""
