"""The client in a browser: who may open its page, the page itself, and a client process for each open page."""
