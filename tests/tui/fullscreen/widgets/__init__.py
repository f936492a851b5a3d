"""Tests of what widgets are made of."""
