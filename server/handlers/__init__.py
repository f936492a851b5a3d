"""Handlers of client actions: a module for each noun of the protocol, and the table that maps actions to handlers."""
