"""Tests of the demo: its site, its bots, and all of it as a process."""
