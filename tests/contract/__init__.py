"""The webhook bodies that the site knows, byte for byte."""
