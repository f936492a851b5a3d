"""The messages of a channel as lines on the screen."""
