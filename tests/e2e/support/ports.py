"""Ports for the servers of the tests."""

import pathlib
import random
import socket

FIRST = 10_000  # below are well-known services


def outgoing():
    """The lowest and the highest port that the kernel gives to outgoing connections."""
    low, high = map(int, pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
    return low, high


def free_port(kind=socket.SOCK_STREAM):
    """A port that nobody listens on, and that no outgoing connection gets: a server that is killed finds it free again, and a client
    that tries it meanwhile is refused, and does not meet itself."""
    low, high = outgoing()
    candidates = range(FIRST, low) if low > 2 * FIRST else range(high + 1, 65_536)
    for port in random.sample(candidates, min(len(candidates), 100)):
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                pass
    with socket.socket(socket.AF_INET, kind) as probe:  # all ports may be for outgoing connections
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
