"""The rules of the room: pure functions and values, without sockets, disk or clock."""
