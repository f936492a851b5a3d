"""Tests of the demo: its website, its residents, and all of it as a process."""
