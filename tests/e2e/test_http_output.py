"""Events posted to servers that fail, are slow, die and return: nothing is lost, and the order stays."""

import gzip
import hashlib
import hmac
import http.server
import json
import os
import pathlib
import re
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import unittest

import yaml

from support.certificates import certificates
from support.config import config, listener
from support.daemon import ROOT, Daemon, run_to_end, write_config
from support.ports import free_port
from support.raw_server import TEXT, RawServer, frame
from support.waiting import until

PROTOCOL = {"replies": [{"as": "trade", "when": {"json": "/op", "is": "trade"}}]}
QUIET = {"ping_interval": "0s", "idle_timeout": "0s"}


def trade(number):
    return frame(TEXT, json.dumps({"op": "trade", "n": number}).encode())


class Collector:
    """Python's own HTTP server. `answer(count)` says what to do with the n-th request, from 0: a status, or headers too."""

    def __init__(self, answer=lambda count: 200, port=None, tls=None):
        self.requests = []
        lock = threading.Lock()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(handler):
                body = handler.rfile.read(int(handler.headers["Content-Length"]))
                with lock:
                    count = len(self.requests)
                    self.requests.append((dict(handler.headers), body))
                    status, headers = what if isinstance(what := answer(count), tuple) else (what, {})
                    self.requests[-1] += (status,)
                if status is None:  # dies in the middle of it
                    handler.close_connection = True
                    handler.connection.shutdown(socket.SHUT_RDWR)
                    return
                handler.send_response(status)
                for name, value in headers.items():
                    handler.send_header(name, value)
                handler.send_header("Content-Length", "0")
                handler.end_headers()

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            def handle_error(self, *_):
                pass

        self.server = Server(("127.0.0.1", port or free_port()), Handler)
        self.scheme = "https" if tls else "http"
        if tls:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.thread.start()

    @property
    def port(self):
        return self.server.server_port

    @property
    def url(self):
        return f"{self.scheme}://localhost:{self.port}/events"

    def taken(self):
        """The numbers of the trades in requests that were answered with 200."""
        numbers = []
        for headers, body, *status in list(self.requests):
            if status != [200]:
                continue
            text = gzip.decompress(body) if headers.get("Content-Encoding") == "gzip" else body
            events = json.loads(text) if headers["Content-Type"] == "application/json" else map(json.loads, text.splitlines())
            numbers += [(event.get("data") or event)["n"] for event in events]
        return numbers

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Posts(unittest.TestCase):
    def setUp(self):
        self.place = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="duplexd-http-")))

    def pouring(self, count):
        def serve(connection, _):
            connection.accept()
            for first in range(0, count, 100):
                connection.send(b"".join(trade(n) for n in range(first, min(first + 100, count))))
            connection.end()

        return self.enterContext(RawServer(serve))

    def start(self, collector, count, **output):
        server = self.pouring(count)
        url = collector if isinstance(collector, str) else collector.url
        own = {"protocol": PROTOCOL, "login": None, "simulate": None, "liveness": QUIET, "outputs": ["post"]}
        post = {"type": "http", "url": url, "batch": {"time": "50ms"}} | output
        return self.enterContext(Daemon(config(listener(server.url, **own), outputs={"post": post})))

    def finish(self, daemon, code=0):
        daemon.signal()
        self.assertEqual(daemon.wait(), code, daemon.log.all())

    # The page's own configuration, with other addresses.
    def test_example(self):
        page = (ROOT / "docs" / "outputs.md").read_text()
        [block] = (each for each in map(yaml.safe_load, re.findall(r"```yaml\n(.*?)```", page, re.S))
                   if any(output["type"] == "http" for output in each["outputs"].values()))
        collector = self.enterContext(Collector())
        server = self.pouring(10)
        block["sessions"]["feed"]["url"] = server.url
        block["sessions"]["feed"]["tls"] = listener(server.url)["tls"]
        block["outputs"]["collector"] |= {"url": collector.url, "dead_letters": str(self.place / "refused.jsonl")}
        os.environ["COLLECTOR_TOKEN"] = "hunter2-hunter2"
        self.addCleanup(os.environ.pop, "COLLECTOR_TOKEN")
        checked = run_to_end("check", "-c", write_config(block, self.place))
        self.assertEqual((checked.returncode, checked.stderr), (0, ""))
        daemon = self.enterContext(Daemon(block))
        until(lambda: collector.taken() == list(range(10)))
        self.assertEqual(collector.requests[0][0]["Authorization"], "Bearer hunter2-hunter2")
        self.assertEqual(collector.requests[0][0]["Content-Encoding"], "gzip")
        self.finish(daemon)

    # Overloaded, broken, hanging up in the middle: each batch is sent again as it was until it is taken.
    def test_failing(self):
        def answer(count):
            return [(429, {"Retry-After": "1"}), 503, None, 500, 200][count] if count < 5 else (200 if count % 3 else 502)

        collector = self.enterContext(Collector(answer))
        daemon = self.start(collector, 300, idempotency=True, body="json", batch={"events": 100, "time": "50ms"})
        until(lambda: len(collector.taken()) >= 300)
        self.assertEqual(collector.taken(), list(range(300)))
        by_key = {}
        for headers, body, *_ in collector.requests:
            by_key.setdefault(headers["Idempotency-Key"], set()).add(body)
        self.assertTrue(all(len(bodies) == 1 for bodies in by_key.values()))
        self.assertLess(len(by_key), len(collector.requests))
        daemon.wait_log("output post failed: .* answered with status 429; events wait, next attempt in 1.0 s")
        daemon.wait_log("output post works again")
        self.finish(daemon)

    # Nobody there, then somebody, who dies and returns.
    def test_dies_and_returns(self):
        with Collector() as once:
            port = once.port
        daemon = self.start(f"http://127.0.0.1:{port}/events", 20_000, format="ndjson", batch={"events": 50, "time": "50ms"})
        daemon.wait_log("output post failed: .*next attempt in")
        with Collector(port=port) as first:
            until(lambda: len(first.taken()) >= 1000)
        with Collector(port=port) as second:
            until(lambda: second.taken()[-1:] == [19_999])
            after = second.taken()
            self.finish(daemon)
        before = first.taken()  # now: a request may outlive its server by a moment
        self.assertEqual(before, list(range(len(before))))
        # What was accepted when the server died, before the daemon knew it, comes again: at least once.
        self.assertLessEqual(after[0], len(before))
        self.assertEqual(after, list(range(after[0], 20_000)))

    # Slower than the limit of a request, then quick enough.
    # A server with a certificate of its own CA, which asks for the client's: who trusts it and has one is let in.
    def test_certificates(self):
        made = certificates()
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(made.valid.certificate, made.valid.key)
        tls.load_verify_locations(made.ca)
        tls.verify_mode = ssl.CERT_REQUIRED
        with Collector(tls=tls) as collector:
            for files, why in (({}, "not trusted here.*ca_file"), ({"ca_file": made.ca}, ".*certificate.required"),
                               ({"ca_file": "/nowhere"}, "/nowhere")):
                daemon = self.start(collector, 1, **files)
                daemon.wait_log(f"output post failed: .*{why}.*; events wait, next attempt in")
                daemon.process.kill()
            daemon = self.start(collector, 10, ca_file=made.ca, cert_file=made.valid.certificate, key_file=made.valid.key)
            until(lambda: collector.taken() == list(range(10)))
            self.finish(daemon)

    def test_slow(self):
        def answer(count):
            if count == 0:
                time.sleep(1.5)
            return 200

        collector = self.enterContext(Collector(answer))
        daemon = self.start(collector, 10, timeout="500ms")
        daemon.wait_log("output post failed: .*; events wait, next attempt in")
        until(lambda: collector.taken()[-10:] == list(range(10)))
        self.finish(daemon)

    # A batch that the server will never take does not hold up the others, and is kept.
    def test_refused(self):
        collector = self.enterContext(Collector(lambda count: 400 if count == 1 else 200))
        kept = self.place / "refused.jsonl"
        daemon = self.start(collector, 300, batch={"events": 100, "time": "10ms"}, dead_letters=str(kept))
        until(lambda: kept.exists() and len(collector.taken()) + len(kept.read_text().splitlines()) == 300)
        letters = [json.loads(line)["data"]["n"] for line in kept.read_text().splitlines()]
        self.assertEqual(sorted(collector.taken() + letters), list(range(300)))
        self.assertEqual(letters, list(range(letters[0], letters[0] + len(letters))))
        daemon.wait_log(rf"output post: .* answered with status 400; {len(letters)} event\(s\) went to the dead letters")
        self.finish(daemon)

    def test_signed_and_secret(self):
        os.environ["DUPLEXD_TEST_KEY"] = "hunter2-hunter2"
        self.addCleanup(os.environ.pop, "DUPLEXD_TEST_KEY")
        collector = self.enterContext(Collector(lambda count: 401))
        daemon = self.start(collector, 5, headers={"X-Key": "${env:DUPLEXD_TEST_KEY}"}, compress="gzip",
                            sign={"header": "X-Signature", "secret": "${env:DUPLEXD_TEST_KEY}"})
        daemon.wait_log(r"answered with status 401; \d event\(s\) are lost")
        headers, body, _ = collector.requests[0]
        self.assertEqual(headers["X-Signature"], hmac.new(b"hunter2-hunter2", body, hashlib.sha256).hexdigest())
        self.assertEqual(headers["X-Key"], "hunter2-hunter2")
        self.finish(daemon)
        self.assertFalse(any("hunter2" in line for line in daemon.log.all()))

    # A real server that we did not write, which refuses what is too large and is restarted meanwhile.
    def test_nginx(self):
        port = free_port()
        (self.place / "nginx.conf").write_text(f"""
daemon off; pid {self.place}/pid; error_log {self.place}/error.log;
events {{}}
http {{
  log_format bodies escape=none '$request_body';
  client_body_temp_path {self.place}/body; proxy_temp_path {self.place}/proxy; fastcgi_temp_path {self.place}/fcgi;
  uwsgi_temp_path {self.place}/uwsgi; scgi_temp_path {self.place}/scgi;
  client_max_body_size 64k; client_body_buffer_size 64k;
  server {{
    listen 127.0.0.1:{port};
    location /events {{ access_log {self.place}/bodies.log bodies; proxy_pass http://127.0.0.1:{port}/done; }}
    location /done {{ access_log off; return 204; }}
  }}
}}
""")

        def nginx():
            made = subprocess.Popen(["nginx", "-p", self.place, "-c", self.place / "nginx.conf", "-e", self.place / "error.log"])
            self.addCleanup(made.wait)
            self.addCleanup(made.terminate)

            def listens():
                with socket.socket() as probe:
                    return probe.connect_ex(("127.0.0.1", port)) == 0

            until(listens)
            return made

        first = nginx()
        daemon = self.start(f"http://127.0.0.1:{port}/events", 20_000, format="ndjson", batch={"events": 200, "time": "50ms"})

        def stored():
            path = self.place / "bodies.log"
            return [json.loads(line)["n"] for line in path.read_text().split("\n")[:-1] if line] if path.exists() else []

        until(lambda: len(stored()) >= 1000)
        first.send_signal(signal.SIGQUIT)  # it writes its log after it has answered, and SIGTERM can come in between
        first.wait()
        daemon.wait_log("output post failed: .*next attempt in")
        nginx()
        until(lambda: set(stored()) == set(range(20_000)))
        numbers = stored()
        firsts = sorted(set(numbers), key=numbers.index)
        self.assertEqual(firsts, list(range(20_000)))
        self.finish(daemon)


if __name__ == "__main__":
    unittest.main()
