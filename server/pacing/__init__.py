"""How much may come, and when it is handled: rates, limits, fair scheduling."""
