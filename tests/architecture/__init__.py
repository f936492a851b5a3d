"""What may be loaded by what."""
