"""Who is in the room, and the fan-out to them."""
