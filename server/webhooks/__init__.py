"""What the server tells the site and asks of it, over HTTP."""
