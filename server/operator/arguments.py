"""Argument types shared by the command lines of the server and of the demo."""

import argparse

from server.protocol.address import Address


def address(text: str) -> Address:
    """Parse an argument of the form HOST:PORT; argparse prints the error."""
    try:
        return Address.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
