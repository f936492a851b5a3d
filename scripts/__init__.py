"""Programs that regenerate tables of the code."""
