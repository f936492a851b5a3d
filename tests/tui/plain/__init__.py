"""The chat without a screen: what typed lines mean."""
