"""Imports: what the pages show, as they show it, and what goes wrong."""

import pathlib
import re
import shlex
import tempfile
import unittest

from support.daemon import Exit, run_to_end, write_config

DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs"


class Pages(unittest.TestCase):
    def test_struct(self):
        page = (DOCS / "from-python-struct.md").read_text()
        lines = "\n".join(re.findall(r"^```\n(.*?)^```", page, re.M | re.S))
        shown = re.findall(r"^\$ duplexd (.*)\n(.*)$", lines, re.M)
        self.assertGreaterEqual(len(shown), 5)
        for command, answer in shown:
            done = run_to_end(*shlex.split(command))
            self.assertEqual((done.returncode, done.stdout, done.stderr), (0, answer + "\n", ""), command)

    def test_asyncapi(self):
        document, configuration = re.findall(r"^```yaml\n(.*?)^```", (DOCS / "from-asyncapi.md").read_text(), re.M | re.S)[:2]
        with tempfile.TemporaryDirectory(prefix="duplexd-import-") as place:
            done = run_to_end("import", "asyncapi", write_config(document, place, "api.yaml"))
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertEqual(done.stdout, configuration)
            checked = run_to_end("check", write_config(done.stdout, place, "made.yaml"))
            self.assertEqual((checked.returncode, checked.stderr), (0, ""))


    def test_export(self):
        blocks = re.findall(r"^```yaml\n(.*?)^```", (DOCS / "from-asyncapi.md").read_text(), re.M | re.S)
        configuration, document = blocks[-2:]
        with tempfile.TemporaryDirectory(prefix="duplexd-import-") as place:
            done = run_to_end("export", "asyncapi", write_config(configuration, place, "quotes.yaml"))
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertEqual(done.stdout, document)
            back = run_to_end("import", "asyncapi", write_config(done.stdout, place, "api.yaml"))
            self.assertEqual((back.returncode, back.stderr), (0, ""))
            again = run_to_end("export", "asyncapi", write_config(back.stdout, place, "quotes.yaml"))
            self.assertEqual(again.stdout, document)


class Mistakes(unittest.TestCase):
    def test_struct(self):
        for words, said in ((["<iy", "a"], "character 3: bad char in struct format"),
                            (["<iH", "a"], "1 name for 2 values: value 2, 'H' at character 3, has none"),
                            (["<i", "a", "b"], "2 names for 1 value: 'b' is too many")):
            done = run_to_end("import", "struct", *words)
            self.assertEqual((done.returncode, done.stdout, done.stderr), (Exit.USAGE, "", said + "\n"))

    def test_asyncapi(self):
        with tempfile.TemporaryDirectory(prefix="duplexd-import-") as place:
            old = write_config('{"asyncapi": "2.6.0"}', place, "old.json")
            done = run_to_end("import", "asyncapi", old)
            self.assertEqual((done.returncode, done.stdout), (Exit.DATA, ""))
            self.assertEqual(done.stderr, f"{old}:1:15: asyncapi: only AsyncAPI 3 is read "
                                          "(the AsyncAPI CLI converts documents of version 2)\n")
            done = run_to_end("import", "asyncapi", place + "/none.yaml")
            self.assertEqual((done.returncode, done.stdout), (Exit.CONFIG, ""))
            self.assertIn("the file cannot be read", done.stderr)
            # What an extension says may be wrong: the configuration is printed, and so is what is wrong with it.
            wrong = write_config("asyncapi: 3.0.0\nservers: {s: {host: h, protocol: ws}}\n"
                                 "channels: {c: {address: /, x-duplexd: {speed: 1}}}\n", place, "wrong.yaml")
            done = run_to_end("import", "asyncapi", wrong)
            self.assertEqual(done.returncode, Exit.DATA)
            self.assertIn("speed: 1", done.stdout)
            self.assertIn("no operation uses this channel", done.stderr)
            self.assertIn("the configuration made of it:", done.stderr)
            self.assertIn("speed", done.stderr)


    def test_export(self):
        with tempfile.TemporaryDirectory(prefix="duplexd-import-") as place:
            wrong = write_config("sessions: {a: {url: 5}}", place, "wrong.yaml")
            done = run_to_end("export", "asyncapi", wrong)
            self.assertEqual((done.returncode, done.stdout), (Exit.CONFIG, ""))
            self.assertIn("sessions.a.url", done.stderr)
            good = write_config("sessions: {alpha: {url: 'ws://h/'}, beta: {url: 'ws://h/', headers: {X: secret}}}", place, "good.yaml")
            done = run_to_end("export", "asyncapi", good, "--session", "alhpa")
            self.assertEqual((done.returncode, done.stdout), (Exit.USAGE, ""))
            self.assertIn("there is no session 'alhpa' (did you mean 'alpha'?)", done.stderr)
            done = run_to_end("export", "asyncapi", good, "--session", "beta")
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertIn("beta", done.stdout)
            self.assertNotIn("alpha", done.stdout)
            self.assertNotIn("secret", done.stdout)


if __name__ == "__main__":
    unittest.main()
