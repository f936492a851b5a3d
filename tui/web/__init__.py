"""The client in a browser: access to its page, the page itself, and a client process for each open page."""
