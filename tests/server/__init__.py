"""Tests of the server's packages."""
