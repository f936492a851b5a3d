"""Rate limits, delays and fair scheduling of what clients send."""
