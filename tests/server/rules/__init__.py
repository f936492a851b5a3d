"""Tests of the rules, which are pure."""
