#!/usr/bin/python3
"""Memory over hours of bursts: memory.py [MINUTES] (default 45), with DUPLEXD naming the binary.

Many sessions get large messages, all at once, then nothing for a while. What the daemon holds at the end of each pause
is printed. Exit code 1: the last quarter of the pauses holds more than the second, beyond what noise explains.
"""

import pathlib
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

from support.config import config, listener  # noqa: E402
from support.daemon import Daemon  # noqa: E402
from support.raw_server import TEXT, RawServer, frame  # noqa: E402

SESSIONS = 86
MESSAGE = frame(TEXT, b'{"op": "tick", "text": "' + b"x" * 5_000_000 + b'"}')
MESSAGES = 3  # a session, in each burst
PAUSE = 12
NOISE_MIB = 8


def main():
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 45
    burst = threading.Condition()
    number = 0
    served = 0

    def serve(connection, _):
        nonlocal served
        connection.accept()
        connection.stream.settimeout(60)
        seen = 0
        while True:
            with burst:
                burst.wait_for(lambda: number > seen)
                seen = number
            for _ in range(MESSAGES):
                connection.send(MESSAGE)
            with burst:
                served += 1
                burst.notify_all()

    replies = [{"as": "tick", "when": {"json": "/op", "is": "tick"}}]
    quiet = {"ping_interval": "0s", "idle_timeout": "0s"}
    held = []
    with RawServer(serve) as server:
        one = listener(server.url, protocol={"json": "compact", "replies": replies}, login=None, simulate=None,
                       liveness=quiet, outputs=[])
        with Daemon(config({f"s{i}": one for i in range(SESSIONS)})) as daemon:
            daemon.wait_log("connected", count=SESSIONS, timeout=120)
            print(f"{SESSIONS} sessions connected: {daemon.resident_kib() // 1024} MiB", flush=True)
            end = time.monotonic() + 60 * minutes
            while time.monotonic() < end:
                with burst:
                    number += 1
                    served = 0
                    burst.notify_all()
                    if not burst.wait_for(lambda: served == SESSIONS, timeout=300):
                        sys.exit(f"memory: {served} of {SESSIONS} sessions read their burst")
                time.sleep(PAUSE)
                held.append(daemon.resident_kib() // 1024)
                print(f"after {len(held)} bursts: {held[-1]} MiB", flush=True)
            if daemon.process.poll() is not None:
                sys.exit("memory: the daemon ended")
    if len(held) < 8:
        sys.exit(f"memory: only {len(held)} bursts in {minutes} minutes: too few to judge")
    quarter = len(held) // 4
    early, late = max(held[quarter:2 * quarter]), max(held[-quarter:])
    print(f"second quarter: at most {early} MiB, last: at most {late} MiB")
    sys.exit(0 if late <= early + NOISE_MIB else 1)


if __name__ == "__main__":
    main()
