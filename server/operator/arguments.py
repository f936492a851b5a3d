"""What the command lines of the server and of the demo have in common."""

import argparse

from server.protocol.address import Address


def address(text: str) -> Address:
    """An argument of the form HOST:PORT; argparse shows what is wrong with it."""
    try:
        return Address.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
