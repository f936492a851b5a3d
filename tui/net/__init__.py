"""The connection to a server: finding the server, the websocket, the login, and a local server."""
