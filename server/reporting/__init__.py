"""Reporting: accepting reports, delivering them, and notifying their reporters."""
