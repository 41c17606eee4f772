"""How old events are by their own time: a server sends old ones, and new ones after a reconnect. The page's own configuration."""

import json
import pathlib
import re
import subprocess
import tempfile
import unittest

import yaml

from support.daemon import ROOT, Daemon, run_to_end
from support.peers import PEERS, Reporter
from support.waiting import until
from test_health import ask, port_of, value_of


def example():
    """The configuration below the page's heading."""
    text = (ROOT / "docs" / "operating.md").read_text().split("\n### Lag\n")[1]
    return yaml.safe_load(re.search(r"```yaml\n(.*?)```", text, re.S)[1])


class Lag(unittest.TestCase):
    def start(self, server, **lag):
        self.place = self.enterContext(tempfile.TemporaryDirectory(prefix="duplexd-lag-"))
        self.socket = str(pathlib.Path(self.place) / "control.sock")
        settings = example()
        settings["sessions"]["feed"] |= {"url": f"ws://localhost:{server.port}/", "reconnect": {"initial": "50ms", "maximum": "200ms"}}
        settings["sessions"]["feed"]["liveness"]["lag"] |= lag
        settings |= {"health": {"listen": "127.0.0.1:0"}, "control": {"socket": self.socket}}
        daemon = self.enterContext(Daemon(settings))
        self.port = port_of(daemon)
        return daemon

    def status(self):
        return json.loads(run_to_end("status", "--socket", self.socket, "feed").stdout)

    def test_reconnects_until_events_are_new(self):
        with Reporter(["/usr/bin/python3", PEERS / "timed_feed.py", 0]) as server:
            daemon = self.start(server)
            daemon.wait_log(r"trade\.time is not a time: the lag of this event is not known")
            daemon.wait_log(r"the newest event of trade is 60\.\d s old, allowed: 10\.0 s")
            daemon.wait_log(r"liveness: the newest event of trade is 60\.\d+ s old; next attempt")
            server.wait("open", age=0)
            page = wait_page(self.port, lambda seen: seen("event_lag_seconds_count{S}", 0) > 5 and seen("up{S}") == 1)
            judged = subprocess.run(["promtool", "check", "metrics"], input=page, capture_output=True, text=True,
                                    timeout=30, check=False)
            self.assertEqual((judged.returncode, judged.stdout + judged.stderr), (0, ""), page)
            seen = reader(page)
            whole = seen("event_lag_seconds_count{S}")
            self.assertEqual(seen('event_lag_seconds_bucket{session="feed",le="+Inf"}'), whole)
            self.assertGreaterEqual(whole - seen('event_lag_seconds_bucket{session="feed",le="30"}'), 1)  # those of the first connection
            self.assertGreaterEqual(seen("event_lag_seconds_sum{S}"), 60)
            self.assertEqual(seen("event_times_unusable_total{S}"), 2)
            self.assertLess(seen("newest_event_age_seconds{S}"), 30)
            lag = self.status()["lag"]
            self.assertLess(lag["newest_age_seconds"], 30)
            self.assertEqual((lag["times_unusable"], lag["times_ahead"]), (2, 0))
            self.assertRegex(run_to_end("status", "--socket", self.socket).stdout, r"^feed +up .*  newest event \d+\.\d s old\n$")

    def test_only_told(self):
        with Reporter(["/usr/bin/python3", PEERS / "timed_feed.py", 0]) as server:
            daemon = self.start(server, action="log")
            daemon.wait_log(r"the newest event of trade is 60\.\d s old, allowed: 10\.0 s")
            wait_page(self.port, lambda seen: seen("event_lag_seconds_count{S}", 0) > 5)
            self.assertEqual(len([line for line in daemon.log.all() if "allowed: 10.0 s" in line]), 1)
            self.assertEqual(self.status()["counts"]["connections"], 1)
            self.assertGreater(self.status()["lag"]["last_seconds"], 59)


def reader(page):
    """A function that finds the value of a series of the session; {S} stands for its label."""
    def find(series, otherwise=None):
        value = value_of(page, "duplexd_session_" + series.replace("{S}", '{session="feed"}'))
        return otherwise if value is None else value
    return find


def wait_page(port, condition):
    """The metrics as soon as the condition holds of them."""
    pages = []

    def looks_right():
        pages.append(ask(port, "/metrics")[2])
        return condition(reader(pages[-1]))

    until(looks_right)
    return pages[-1]


if __name__ == "__main__":
    unittest.main()
