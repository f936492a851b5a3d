"""The client in a browser, without a browser."""
