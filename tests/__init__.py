"""The tests: mirrors of the packages, whole ways end to end, the webhook contract, the architecture."""
