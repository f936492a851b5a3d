"""The administrator's commands; they use the database while the server runs."""
