"""Waiting for what becomes true."""

import time


def until(true, seconds=60):
    """Waits until the function gives something true, and returns that."""
    end = time.monotonic() + seconds
    while not (found := true()):
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s")
        time.sleep(0.02)
    return found
