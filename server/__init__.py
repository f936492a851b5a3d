"""The Flagpost chat server: rooms over websockets, reports and profiles over a site's webhooks."""

__version__ = "0.1.0"
