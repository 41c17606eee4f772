"""A link that goes dead without a word: the daemon and the server in network namespaces of their own, the cable cut."""

import os
import subprocess
import unittest

from support import cookbook
from support.cookbook import Server
from support.daemon import Daemon

CLIENT, SERVER = f"duplexd-client-{os.getpid()}", f"duplexd-server-{os.getpid()}"
ADDRESS = "10.77.0.2"


def ip(*arguments):
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise OSError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")


class Cable:
    """Two namespaces and a cable between them. Only the packets are lost: nobody is told."""

    def __enter__(self):
        try:
            for name in (CLIENT, SERVER):
                ip("netns", "add", name)
                ip("-n", name, "link", "set", "lo", "up")
            ip("link", "add", "cable", "netns", CLIENT, "type", "veth", "peer", "name", "cable", "netns", SERVER)
            ip("-n", CLIENT, "addr", "add", "10.77.0.1/24", "dev", "cable")
            ip("-n", SERVER, "addr", "add", f"{ADDRESS}/24", "dev", "cable")
            for name in (SERVER, CLIENT):
                ip("-n", name, "link", "set", "cable", "up")
        except OSError:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for name in (CLIENT, SERVER):
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)

    # At the far end: the client's own interface stays up, and its sockets see nothing but silence.
    def cut(self):
        ip("-n", SERVER, "addr", "del", f"{ADDRESS}/24", "dev", "cable")

    def mend(self):
        ip("-n", SERVER, "addr", "add", f"{ADDRESS}/24", "dev", "cable")


def obstacle():
    try:
        with Cable():
            return None
    except FileNotFoundError:
        raise  # without iproute2 the tests fail
    except OSError as error:
        return f"network namespaces are not allowed here: {error}"


class Blackhole(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if why := obstacle():
            raise unittest.SkipTest(why)
        cls.cable = cls.enterClassContext(Cable())

    def start(self, liveness):
        server = self.enterContext(Server("feed", 0, ADDRESS, prefix=["ip", "netns", "exec", SERVER]))
        text = cookbook.config("market-data", f"{ADDRESS}:{server.port}")
        at = text.index("    liveness:\n") + len("    liveness:\n")
        text = text[:at] + "".join(f"      {line}\n" for line in liveness) + text[at:]
        return server, self.enterContext(Daemon(text, prefix=["ip", "netns", "exec", CLIENT]))

    # Pings without an answer end the link after idle_timeout; dials fail while the hole is there; then all goes on.
    def test_idle_timeout(self):
        server, daemon = self.start(["ping_interval: 300ms", "idle_timeout: 1s"])
        daemon.wait_reply(10)
        self.cable.cut()
        daemon.wait_log(r"liveness: nothing was heard from the server for 1 s; next attempt")
        self.cable.mend()
        server.wait("open", count=2, timeout=20)
        server.wait("subscribe", count=2)
        seen = len(daemon.replies())
        daemon.wait_reply(seen + 10)
        daemon.signal()
        self.assertEqual(daemon.wait(), 0, daemon.log.all())
        server.wait("close", code=1000)

    # Without pings the feed's silence is told first, and the second rule ends the link.
    def test_silence_of_the_feed(self):
        server, daemon = self.start(["ping_interval: 0", "idle_timeout: 0"])
        daemon.wait_reply(10)
        self.cable.cut()
        daemon.wait_log(r"no reply trade for 2\.0 s")
        daemon.wait_log(r"subscribing again")
        daemon.wait_log(r"(no reply subscribed within 5|no reply trade for 10)\b.*next attempt", timeout=20)
        self.cable.mend()
        server.wait("open", count=2, timeout=20)
        server.wait("subscribe", count=2)
        daemon.signal()
        self.assertEqual(daemon.wait(), 0, daemon.log.all())


if __name__ == "__main__":
    unittest.main()
