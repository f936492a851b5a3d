"""The reason why a server or proxy cannot be reached."""


def reason(error: OSError) -> str:
    """Return a short reason; asyncio joins the errors of several addresses into one without an errno."""
    if isinstance(error, ConnectionRefusedError) or "Connect call failed" in str(error):
        return "nothing is listening there"
    return error.strerror or str(error) or "the connection was lost before it was established"
