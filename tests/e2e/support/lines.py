"""A stream of a child process, read line by line on a thread, with waiting for what must come."""

import threading
import time


class Lines:
    """Collects the lines of `stream`; every wait has a limit and says what had come when it ran out."""

    def __init__(self, stream, convert=lambda line: line):
        self._changed = threading.Condition()
        self._lines = []
        self._ended = False
        self._convert = convert
        self._thread = threading.Thread(target=self._read, args=(stream,), daemon=True)
        self._thread.start()

    def _read(self, stream):
        with stream:
            for line in stream:
                with self._changed:
                    self._lines.append(self._convert(line.rstrip("\n")))
                    self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def all(self):
        """What has come so far."""
        with self._changed:
            return list(self._lines)

    def join(self):
        """Everything, after the stream has ended."""
        self._thread.join(10)
        return self.all()

    def wait(self, predicate, count=1, timeout=10.0, what="a line"):
        """The `count`-th line for which `predicate` holds; an AssertionError if it does not come."""
        end = time.monotonic() + timeout
        with self._changed:
            while True:
                found = [line for line in self._lines if predicate(line)]
                if len(found) >= count:
                    return found[count - 1]
                left = end - time.monotonic()
                if left <= 0 or self._ended:
                    why = "the stream ended" if self._ended else f"nothing in {timeout} s"
                    seen = "\n  ".join(map(str, self._lines[-30:]))
                    raise AssertionError(f"waited for {what} ({len(found)} of {count}): {why}; had come:\n  {seen}")
                self._changed.wait(left)
