"""How-to, reference, and what writes the parts of it that code knows."""
