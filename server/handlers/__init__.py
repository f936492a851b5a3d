"""Handlers of client actions: one module for each noun of the protocol, and the table that maps actions to them."""
