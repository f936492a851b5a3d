"""HTTP on the server's port: accepting, requests, health checks and calls of the site."""
