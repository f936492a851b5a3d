"""Operation of the server process: log, metrics, watchdog, signals, reload and TLS."""
