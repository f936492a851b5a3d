"""Storage: messages, people and reports, in a SQLite file or in PostgreSQL."""
