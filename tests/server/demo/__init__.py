"""Tests of the demo: its website, its bots, and all of it as a process."""
