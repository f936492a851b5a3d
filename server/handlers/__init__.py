"""What each action of a client does: one module for each noun of the protocol, and the table of them."""
