"""A bad configuration: every mistake with its place, one exit code, nothing started."""

import json
import pathlib
import re
import tempfile
import unittest

from support.config import EXAMPLE
from support.daemon import ROOT, Exit, run_to_end, write_config

THREE_MISTAKES = """\
version: 1
sessions:
  callcentre:
    url: wss://ws.test.com:2443/
    tls: {ca_fil: /etc/duplexd/ca.pem}
    protocol:
      byte_order: native
      commands: {ping: 'opcode:i=1'}
      replies: [{as: reply, layout: 'code:i rest:bytes'}]
    script:
      - sleep: 500 lightyears
      - send: pong
"""


class Folder(unittest.TestCase):
    # Each mistake is told with the file that it is in; one session to a file is what a package or a program drops there.
    def test_folder(self):
        with tempfile.TemporaryDirectory() as directory:
            place = pathlib.Path(directory)
            one = "sessions:\n  {}: {{url: 'ws://127.0.0.1:1/', outputs: [stdout]}}\n"
            (place / "00.yaml").write_text("version: 1\n")
            (place / "one.yaml").write_text(one.format("one"))
            (place / "two.yaml").write_text(one.format("two"))
            (place / "two.yaml.bak").write_text("{")
            done = run_to_end("check", "-c", directory)
            self.assertEqual((done.returncode, done.stdout), (0, f"{directory}: ok, 2 sessions\n"), done.stderr)
            (place / "three.json").write_text('{"sessions": {"two": {"color": "red"}}}')
            done = run_to_end("check", directory)
            self.assertEqual(done.returncode, Exit.CONFIG)
            self.assertIn(f"{place / 'two.yaml'}:2:3: sessions: 'two' is given twice (first at {place / 'three.json'}:1:",
                          done.stderr)
            told = json.loads(run_to_end("check", "--json", directory).stdout)["problems"]
            self.assertEqual({each["file"] for each in told}, {str(place / "three.json"), str(place / "two.yaml")})


class Mistakes(unittest.TestCase):
    def places(self, command, text):
        with tempfile.TemporaryDirectory() as directory:
            path = write_config(text, directory)
            done = run_to_end(command, "-c", path)
            self.assertEqual(done.returncode, Exit.CONFIG, done.stderr)
            self.assertEqual(done.stdout, "")
            self.assertNotIn("attempting", done.stderr)
            return [(int(line), int(column)) for line, column in
                    re.findall(rf"^{re.escape(path)}:(\d+):(\d+): ", done.stderr, re.MULTILINE)], done.stderr

    # Three mistakes in one file are told in one go, in order, each with its exact place.
    def test_three_mistakes(self):
        for command in ("check", "run", "simulate"):
            with self.subTest(command):
                places, text = self.places(command, THREE_MISTAKES)
                self.assertEqual(places, [(5, 11), (11, 16), (12, 15)], text)
                self.assertIn("ca_file", text, "a misspelt name gets a suggestion")

    # A file that is not YAML.
    def test_no_yaml(self):
        places, text = self.places("check", "sessions: {a: [\n")
        self.assertEqual(len(places), 1, text)

    # A file that does not exist.
    def test_missing_file(self):
        done = run_to_end("run", "-c", "/nonexistent/duplexd.yaml")
        self.assertEqual(done.returncode, Exit.CONFIG)
        self.assertIn("/nonexistent/duplexd.yaml", done.stderr)


class Outside(unittest.TestCase):
    """What a configuration needs of the machine."""

    def check(self, fields, *options):
        with tempfile.TemporaryDirectory() as directory:
            session = {"url": "wss://localhost:1/"} | fields
            path = write_config({"version": 1, "sessions": {"s": session}}, directory)
            return run_to_end("check", "-c", path, *options)

    # `check` does not say ok to what cannot work here; with --secrets-absent it looks at nothing outside of the file.
    def test_missing(self):
        absent = "/nonexistent/duplexd"
        for fields, word in (({"tls": {"ciphers": "NOPE"}}, "no such cipher: 'NOPE'"),
                             ({"tls": {"ciphersuites": "TLS_NOPE"}}, "TLS_NOPE"),
                             ({"tls": {"ca_file": absent}}, absent),
                             ({"tls": {"cert_file": absent}}, absent),
                             ({"before": [{"exec": [absent, "-x"]}]}, "no program " + absent),
                             ({"before": [{"exec": ["/tmp"]}]}, "no program /tmp"),
                             ({"before": [{"exec": ["duplexd-has-no-such-program"]}]}, "duplexd-has-no-such-program")):
            with self.subTest(word):
                done = self.check(fields)
                self.assertEqual(done.returncode, Exit.CONFIG, done.stdout + done.stderr)
                self.assertIn(word, done.stderr)
                self.assertEqual(self.check(fields, "--secrets-absent").returncode, 0)

    def test_present(self):
        for fields in ({"tls": {"ciphers": "ECDHE+AESGCM"}}, {"before": [{"exec": ["sh", "-c", "true"]}]},
                       {"before": [{"exec": ["/bin/sh"]}]}):
            with self.subTest(fields):
                done = self.check(fields)
                self.assertEqual(done.returncode, 0, done.stderr)


class Warnings(unittest.TestCase):
    # What `check` warns of, `run` says, too.
    def test_run_shows_warnings(self):
        text = "version: 1\nsessions: {s: {url: 'ws://localhost:1/', headers: {X-Token: $TOKEN}}}\n"
        with tempfile.TemporaryDirectory() as directory:
            done = run_to_end("run", "-c", write_config(text, directory), "--once")
        self.assertRegex(done.stderr, r"^warning: .*:2:\d+: sessions\.s\.headers\.X-Token: ")


class Values(unittest.TestCase):
    # A value that is nested so deeply that a stack would not hold it is an error like others.
    def test_a_deep_value_of_the_command_line(self):
        for depth in (201, 60_000):
            deep = "[" * depth + "]" * depth
            for arguments in (["--json", deep], ["--json", f"[{deep}]"]):
                with self.subTest(depth=depth, size=len(arguments[1])):
                    done = run_to_end("encode", "--struct", "i", *arguments)
                    self.assertIn(done.returncode, (Exit.USAGE, Exit.DATA), done.stderr[:200])
                    self.assertLess(len(done.stderr), 2 * depth + 200)


class Examples(unittest.TestCase):
    # Everything that config/examples offers is right.
    def test_examples_check(self):
        examples = sorted(path for path in EXAMPLE.parent.iterdir() if path.suffix in (".yaml", ".json"))
        self.assertTrue(examples)
        for path in examples:
            with self.subTest(path.name):
                done = run_to_end("check", "-c", str(path), "--secrets-absent", cwd=ROOT)
                self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    unittest.main()
