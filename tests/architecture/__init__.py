"""Tests of the architecture: imports, calls, names, errors, and growth of costs."""
