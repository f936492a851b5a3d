"""Measurements and long runs that the test suite has no time for."""
