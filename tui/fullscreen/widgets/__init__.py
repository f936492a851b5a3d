"""The parts of the screen: they show core state and post intents."""
