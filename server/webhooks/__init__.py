"""Webhooks: HTTP calls from the server to the site."""
