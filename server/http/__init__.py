"""HTTP on the server's port: accepting connections, requests, health checks and calls from the site."""
