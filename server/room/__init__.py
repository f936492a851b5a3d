"""Sessions of the people in the room, and the fan-out to them."""
