"""Tests of what makes the pictures of the docs."""
