"""The version of Flagpost; `pyproject.toml` has the same."""

VERSION = "0.1.0"
