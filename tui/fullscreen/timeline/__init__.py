"""The timeline: the messages of a channel as lines on the screen."""
