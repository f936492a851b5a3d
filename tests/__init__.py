"""The tests: of each package, end to end, of the webhook contract, and of the architecture."""
