"""Storage: messages, people and reports in one SQLite file."""
