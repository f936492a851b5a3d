"""Tests of serving the client to a browser, without a browser."""
