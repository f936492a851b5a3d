"""The widgets: they show the client's state and post messages about what the user wants."""
