"""What keeps a server process running: log, metrics, watchdog, signals, reload, TLS."""
