"""What monitoring sees: curl, Python's http.client and Prometheus' own promtool ask a running duplexd."""

import http.client
import json
import re
import socket
import subprocess
import tempfile
import time
import unittest

import yaml

from support import peers
from support.config import config, listener, session
from support.daemon import ROOT, Daemon, Exit, run_to_end, write_config

HEALTH = {"listen": "127.0.0.1:0", "hosts": ["metrics.test.com"]}
NOBODY = "wss://localhost:1/"  # a port that nothing listens on


def port_of(daemon):
    """The port that the log names."""
    return int(re.search(r":(\d+)$", daemon.wait_log(r"health listens on 127\.0\.0\.1:")).group(1))


def ask(port, path, method="GET", headers=None, body=None):
    """Status, fields and body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path, body=body, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read().decode()
    finally:
        connection.close()


def curl(port, path, *options):
    """Status and body, as curl has them."""
    done = subprocess.run(["curl", "-sS", "-m", "10", "-w", "\n%{http_code}", *options, f"http://127.0.0.1:{port}{path}"],
                          capture_output=True, text=True, timeout=20, check=True)
    body, _, status = done.stdout.rpartition("\n")
    return int(status), body


def until(what, condition, timeout=20):
    """Asks again and again until the condition holds; returns what was asked for last."""
    end = time.monotonic() + timeout
    while True:
        seen = what()
        if condition(seen):
            return seen
        if time.monotonic() > end:
            raise AssertionError(f"it never came to that; at last: {seen}")
        time.sleep(0.05)


def value_of(page, series):
    """A metric's value, or None."""
    found = re.search(f"^{re.escape(series)} (.*)$", page, re.MULTILINE)
    return float(found.group(1)) if found else None


class Health(unittest.TestCase):
    # A session that is up, one that cannot be, and one that need not be.
    def test_readiness(self):
        with peers.Server("websockets") as server:
            up = listener(server.url, liveness={"ping_interval": "1s"})
            down = listener(NOBODY, reconnect={"initial": "1h", "maximum": "1h", "jitter": "none"})
            optional = listener(NOBODY, required=False)
            with Daemon(config({"up": up, "down": down, "optional": optional}, health=HEALTH)) as daemon:
                port = port_of(daemon)
                self.assertEqual(curl(port, "/livez"), (200, '{"alive":true}\n'))
                status, body = until(lambda: curl(port, "/readyz"),
                                     lambda seen: json.loads(seen[1])["up"] == 1 and "cause" in seen[1])
                self.assertEqual(status, 503)
                report = json.loads(body)
                self.assertEqual([report["ready"], report["sessions"], len(report["down"])], [False, 3, 1], body)
                entry = report["down"][0]
                self.assertEqual([entry["session"], entry["phase"], entry["cause"]["class"]], ["down", "waiting", "connect"])
                self.assertGreater(entry["next_attempt_seconds"], 3000)
                daemon.signal()
                self.assertEqual(daemon.wait(), 0, daemon.log.all())

    def test_ready_while_connected(self):
        server = peers.Server("websockets")
        with server, Daemon(config(listener(server.url), health=HEALTH)) as daemon:
            port = port_of(daemon)
            until(lambda: ask(port, "/readyz")[0], lambda status: status == 200)
            server.kill()
            report = json.loads(until(lambda: ask(port, "/readyz"), lambda seen: seen[0] == 503)[2])
            self.assertEqual(report["down"][0]["session"], "callcentre")
            with peers.Server("websockets", server.port):
                until(lambda: ask(port, "/readyz")[0], lambda status: status == 200)

    # The format is judged by promtool, the counters by what the server saw.
    def test_metrics(self):
        with peers.Server("websockets") as server:
            with Daemon(config({"one": session(server.url), "two": listener(NOBODY)}, health=HEALTH)) as daemon:
                port = port_of(daemon)
                daemon.wait_reply()
                page = until(lambda: ask(port, "/metrics")[2],
                             lambda seen: value_of(seen, 'duplexd_session_replies_total{session="one",reply="reply"}')
                             and value_of(seen, 'duplexd_session_faults_total{session="two"}'))
                judged = subprocess.run(["promtool", "check", "metrics"], input=page, capture_output=True, text=True,
                                        timeout=30, check=False)
                self.assertEqual((judged.returncode, judged.stdout + judged.stderr), (0, ""), page)
                self.assertEqual(value_of(page, 'duplexd_session_up{session="one"}'), 1)
                self.assertEqual(value_of(page, 'duplexd_session_up{session="two"}'), 0)
                self.assertEqual(value_of(page, 'duplexd_session_connections_total{session="two"}'), 0)
                self.assertGreater(value_of(page, 'duplexd_session_round_trip_seconds{session="one"}'), 0)
                sent = server.messages()
                counted = until(lambda: ask(port, "/metrics")[2], lambda seen: value_of(
                    seen, 'duplexd_session_sent_messages_total{session="one"}') == len(server.messages()))
                self.assertGreaterEqual(value_of(counted, 'duplexd_session_sent_bytes_total{session="one"}'),
                                        sum(len(data) for _, data, _ in sent))
                status, fields, _ = ask(port, "/metrics")
                self.assertEqual((status, fields["Content-Type"]), (200, "text/plain; version=0.0.4; charset=utf-8"))

    # The alerts and the dashboard ask for metrics that there are, and each alert's own test passes.
    def test_monitoring(self):
        place = ROOT / "docs" / "monitoring"
        for command in (("check", "rules", "alerts.yaml"), ("test", "rules", "alerts_test.yaml")):
            done = subprocess.run(["promtool", *command], cwd=place, capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        rules = yaml.safe_load((place / "alerts.yaml").read_text())["groups"][0]["rules"]
        tests = yaml.safe_load((place / "alerts_test.yaml").read_text())["tests"]
        fired = {case["alertname"] for test in tests for case in test["alert_rule_test"] if case["exp_alerts"]}
        self.assertEqual({rule["alert"] for rule in rules}, fired)
        panels = json.loads((place / "dashboard.json").read_text())["panels"]
        asked = [rule["expr"] for rule in rules] + [each["expr"] for panel in panels for each in panel["targets"]]
        with Daemon(config(listener(NOBODY), health=HEALTH)) as daemon:
            page = ask(port_of(daemon), "/metrics")[2]
        known = set(re.findall(r"^# TYPE (\S+)", page, re.MULTILINE))
        self.assertEqual({name for text in asked for name in re.findall(r"duplexd_\w+", text)} - known, set())

    def test_what_is_refused(self):
        with Daemon(config(listener(NOBODY), health=HEALTH)) as daemon:
            port = port_of(daemon)
            for method in ("POST", "PUT", "DELETE", "OPTIONS", "HEAD"):
                status, fields, _ = ask(port, "/metrics", method)
                self.assertEqual((status, fields["Allow"]), (405, "GET"), method)
            self.assertEqual(ask(port, "/")[0], 404)
            self.assertEqual(ask(port, "/metrics/../livez")[0], 404)
            self.assertEqual(curl(port, "/livez", "-H", "Origin: http://127.0.0.1")[0], 403)
            self.assertEqual(curl(port, "/livez", "-H", "Host: evil.test.com")[0], 421)
            self.assertEqual(curl(port, "/livez", "-H", "Host: metrics.test.com")[0], 200)
            self.assertEqual(ask(port, "/livez", body="x")[0], 413)
            self.assertEqual(curl(port, "/livez", "-H", "X-Long: " + "x" * 10_000)[0], 431)
            self.assertNotIn("Access-Control-Allow-Origin", ask(port, "/livez")[1])

    # Connections that say nothing do not keep others out for good, and the sessions do not notice.
    def test_too_many_connections(self):
        with Daemon(config(listener(NOBODY), health=HEALTH)) as daemon:
            port = port_of(daemon)
            idle = [socket.create_connection(("127.0.0.1", port)) for _ in range(16)]
            until(lambda: ask(port, "/livez")[0], lambda status: status == 503)
            for each in idle:
                each.close()
            until(lambda: ask(port, "/livez")[0], lambda status: status == 200)

    def test_the_address_is_taken(self):
        with socket.create_server(("127.0.0.1", 0)) as taken, tempfile.TemporaryDirectory() as place:
            health = {"listen": f"127.0.0.1:{taken.getsockname()[1]}"}
            done = run_to_end("run", "-c", write_config(config(listener(NOBODY), health=health), place))
            self.assertEqual(done.returncode, Exit.INTERNAL)
            self.assertIn("health cannot listen on 127.0.0.1:", done.stderr)

    # What a reference stands for is not in any answer, even if the server says it back.
    def test_secrets_are_masked(self):
        import os
        os.environ["HEALTH_SECRET"] = "hunter2-secret"
        url = "ws://localhost:1/?token=${env:HEALTH_SECRET}"
        with Daemon(config(listener(url), health=HEALTH)) as daemon:
            port = port_of(daemon)
            body = until(lambda: ask(port, "/readyz")[2], lambda seen: "cause" in seen)
            self.assertNotIn("hunter2", body + ask(port, "/metrics")[2])


if __name__ == "__main__":
    unittest.main()
