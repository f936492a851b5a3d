"""Support for tests: a misbehaving website, a server process, a chat client."""
