"""What is allowed and what follows from it; pure: no socket, no disk, no clock of its own."""
