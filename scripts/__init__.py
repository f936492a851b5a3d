"""Programs that generate tables in the code."""
