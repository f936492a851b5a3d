"""The Flagpost chat server: a chat room over websockets, and reports and profiles over the site's webhooks."""
