"""`duplexd simulate`, met by clients that nobody here wrote, and by duplexd itself."""

import json
import os
import re
import signal
import socket
import subprocess
import tempfile
import unittest
from unittest import mock

from support import peers
from support.config import EXAMPLE, LOGIN, SET_SERVICE, TO_FREE, config, reply, session
from support.cookbook import with_protos
from support.daemon import BINARY, ROOT, Daemon, write_config
from support.lines import Lines
from support.ports import free_port


class Simulator:
    """`duplexd simulate` on a free port, with the CA that it made."""

    def __init__(self, path=EXAMPLE):
        self._dir = tempfile.TemporaryDirectory(prefix="duplexd-simulator-")
        self.process = subprocess.Popen([BINARY, "simulate", "-c", str(path), "--state", self._dir.name, "--port", "0"],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.log = Lines(self.process.stderr)
        ready = Lines(self.process.stdout).wait(lambda line: line.startswith("ready "))
        self.url, self.ca = re.fullmatch(r"ready (wss://localhost:\d+/\S*) ca=(\S+)", ready).groups()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(5)
        finally:
            self.process.kill()
            self.process.wait()
            self.log.join()
            self._dir.cleanup()


class RealClients(unittest.TestCase):
    # A real client logs in, sends the two commands and gets an answer to each, over TLS verified with the simulator's CA.
    def test_commands_are_answered(self):
        for library in peers.LIBRARIES:
            with self.subTest(library), Simulator() as simulator:
                got = peers.run_client(library, simulator.url, simulator.ca, [LOGIN.decode(), SET_SERVICE, TO_FREE], 2)
                self.assertEqual(got, [("binary", reply(2)), ("binary", reply(0)), ("close", 1000)])
                self.assertIsNone(simulator.process.poll())

    # A client without the simulator's CA does not get in: the certificate is a real one that must be verified.
    def test_tls_is_verified(self):
        with Simulator() as simulator:
            with self.assertRaises(AssertionError):
                peers.run_client("ws", simulator.url, "/etc/ssl/certs/ca-certificates.crt", [], 1)

    # SIGTERM ends it, cleanly.
    def test_sigterm(self):
        simulator = Simulator()
        with simulator:
            pass
        self.assertEqual(simulator.process.returncode, 0)


class ReferenceSession(unittest.TestCase):
    # The same file on both sides: what scripts/run shows.
    def test_against_duplexd(self):
        with Simulator() as simulator:
            settings = config(session(simulator.url, tls={"ca_file": simulator.ca}))
            with Daemon(settings, "--once") as daemon:
                self.assertEqual(daemon.wait(), 0, daemon.log.all() + simulator.log.all())
                self.assertGreaterEqual(len(daemon.replies()), 2)

    # The simulator serves many, one after the other and at once.
    def test_many_at_once(self):
        with Simulator() as simulator:
            one = session(simulator.url, tls={"ca_file": simulator.ca})
            with Daemon(config({f"agent{i}": one for i in range(20)}), "--once") as daemon:
                self.assertEqual(daemon.wait(60), 0, daemon.log.all())


class Recipes(unittest.TestCase):
    """Every configuration of config/examples, met by the simulator that reads the same file."""

    def local(self, path):
        """The configuration for servers on this machine, all on one port."""
        text = with_protos(path.read_text(), path.parent)
        for name in re.findall(r"\$\{[^}]*?env:(\w+)", text):
            os.environ.setdefault(name, "secret")
        for name in re.findall(r"credential:(\w+)", text):
            subprocess.run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256",
                            "-out", os.path.join(os.environ["CREDENTIALS_DIRECTORY"], name)], check=True, capture_output=True)
        port = free_port()
        text = re.sub(r"wss?://[^/\s\"']*", f"ws://localhost:{port}", text)
        return re.sub(r"https?://[^/\s\"']*", f"http://localhost:{port}", text)

    def setUp(self):
        credentials = self.enterContext(tempfile.TemporaryDirectory())
        self.enterContext(mock.patch.dict(os.environ, CREDENTIALS_DIRECTORY=credentials, SOUND=__file__))  # any bytes will do

    # It logs in and carries out its steps without a fault: to their end, or for as long as it is let.
    def test_every_example_meets_its_simulator(self):
        paths = sorted((ROOT / "config" / "examples").rglob("*.yaml"))
        self.assertGreater(len(paths), 17)
        for path in paths:
            with self.subTest(path.name), tempfile.TemporaryDirectory() as directory:
                text = self.local(path)
                with PlainSimulator(write_config(text, directory)) as simulator, Daemon(text, "--once") as daemon:
                    try:
                        daemon.process.wait(4)
                    except subprocess.TimeoutExpired:  # it goes on for ever
                        daemon.signal()
                    code = daemon.wait()  # and what it logged has been read
                    said = "\n".join([*daemon.log.all(), "simulator:", *simulator.log.all()])
                    self.assertEqual(code, 0, said)
                    self.assertRegex(said, "connected")
                    if re.search(r"^ +login:(?:.*\n){0,4}?.*\b(?:expect|steps):", text, re.M):
                        self.assertRegex(said, "login accepted")
                    self.assertNotRegex(said, r"disconnected: |no layout fits|cannot send|a client failed in|no command fits")


    # npm's own client of obs-websocket logs in and gets the answer to its request.
    def test_obs_client_meets_the_studio(self):
        text = self.local(ROOT / "config" / "examples" / "cookbook" / "studio.yaml")
        url = re.search(r"ws://localhost:\d+/", text)[0]
        with tempfile.TemporaryDirectory() as directory, PlainSimulator(write_config(text, directory)) as simulator:
            done = subprocess.run(["node", peers.PEERS / "obs_client.mjs", url, "secret", "GetVersion"], capture_output=True, text=True,
                                  timeout=20, check=False)
        self.assertEqual(done.returncode, 0, "\n".join([done.stderr, *simulator.log.all()]))
        self.assertEqual(json.loads(done.stdout), {"negotiatedRpcVersion": 1, "answer": {"obsVersion": "30.0.0", "rpcVersion": 1}})
        self.assertEqual([line for line in simulator.log.all() if "no command fits" in line], [])


class Answers(unittest.TestCase):
    """What the simulator makes of what it received."""

    # ${command:FIELD}, correlated values, a login and a URL that are other ones each time.
    def test_answers_follow_their_command(self):
        text = """\
version: 1
sessions:
  s:
    url: "ws://localhost:PORT/at/${time:unix}?n=${nonce:4}"
    protocol:
      byte_order: big
      opcode: {at: 0, type: B}
      commands:
        hello: {json: {op: hello, nonce: ~, who: ~}}
        get: 'op:B=1 id:I key:str(:B)'
        put: 'op:B=2 id:I'
      replies:
        - {as: welcome, when: {json: /op, is: welcome}}
        - {as: got, when: {opcode: 1}, layout: 'op:B=1 id:I text:str(:B)'}
        - {as: done, when: {opcode: 2}, layout: 'op:B id:I'}
    login: {send: hello, with: {nonce: "${nonce:8}", who: me}, expect: welcome, where: {status: ok}}
    script:
      - {call: get, with: {id: 7, key: a}, reply: got, where: {id: 7}, check: {text: "a, 7"}, timeout: 3s}
      - {call: put, with: {id: "${counter:n}"}, reply: done, correlate: {id: id}, timeout: 3s}
      - {call: put, with: {id: "${counter:n}"}, reply: done, correlate: {id: id}, timeout: 3s}
    simulate:
      answers:
        - {to: get, send: got, with: {id: "${command:id}", text: "${command:key}, ${command:id}"}}
""".replace("PORT", str(free_port()))
        with tempfile.TemporaryDirectory() as directory, PlainSimulator(write_config(text, directory)) as simulator, \
                Daemon(text, "--once") as daemon:
            self.assertEqual(daemon.wait(), 0, "\n".join([*daemon.log.all(), *simulator.log.all()]))
            self.assertEqual([event["reply"] for event in daemon.events.all()], ["welcome", "got", "done", "done"])


class PlainSimulator:
    """`duplexd simulate` for a configuration that names its ports."""

    def __init__(self, path):
        self.process = subprocess.Popen([BINARY, "simulate", "-c", path], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        self.log = Lines(self.process.stderr)
        Lines(self.process.stdout).wait(lambda line: line.startswith("ready "))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(10)
        self.log.join()


class RunScript(unittest.TestCase):
    # scripts/run from a foreign directory: it shows decoded replies, says how to go on, and leaves nothing running.
    @unittest.skipIf(BINARY != str(ROOT / "build" / "release" / "duplexd"), "scripts/run uses the release build")
    def test_scripts_run(self):
        with tempfile.TemporaryDirectory() as elsewhere:
            done = subprocess.run([ROOT / "scripts" / "run"], cwd=elsewhere, stdin=subprocess.DEVNULL,
                                  capture_output=True, text=True, timeout=1200, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertRegex(done.stdout, r'"event":"reply"')
        self.assertRegex(done.stdout, r"check my.yaml")
        self.assertRegex(done.stdout, r"_time +_session +code *\n[- ]+\n[^ ]+Z +callcentre +2 *\n[^ ]+Z +callcentre +0 *\n")
        port = re.search(r"ready wss://localhost:(\d+)/", done.stdout).group(1)
        with self.assertRaises(ConnectionRefusedError, msg="the simulator has ended"):
            socket.create_connection(("localhost", int(port)), timeout=5)


if __name__ == "__main__":
    unittest.main()
