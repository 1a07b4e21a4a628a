"""Ports of the servers: a number that can be one, and nobody listening there yet."""

from __future__ import annotations

import argparse
import socket

from trendhouse.errors import TrendhouseError

LAST = 65_535


class PortTaken(TrendhouseError):
    """A server cannot listen where it was told to; the message says why and what to give instead."""


def require_port(address: str, port: int) -> None:
    """Raises PortTaken unless a server could listen there; port 0 takes any that is free."""
    try:
        family, *_, place = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(place)
    except OSError as error:
        raise PortTaken(
            f"No server can listen at port {port} of {address}: {error.strerror}. Give another one: --port."
        ) from error


def a_port(text: str) -> int:
    """The value of a command's option. Raises ArgumentTypeError for what is no port."""
    if not text.isdecimal() or int(text) > LAST:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: 0 to {LAST}")
    return int(text)
