"""The command line: how subcommands are found, and where a configuration and its variables come from."""

import json
import os
import pty
import re
import select
import signal
import subprocess
import tempfile
import time
import unittest

from support.config import config, listener
from support.daemon import BINARY, Exit, run_to_end, write_config
from support.raw_server import RawServer

SMALL = "sessions: {one: {url: 'wss://h/${env:PLACE}'}, two: {url: 'wss://h/'}}\n"


class Subcommands(unittest.TestCase):
    def test_help_and_version(self):
        for arguments in (["help"], ["--help"], ["-h"]):
            done = run_to_end(*arguments)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertRegex(done.stdout, r"Usage: duplexd \[OPTIONS\]")
            self.assertIn("check", done.stdout)
        self.assertEqual(run_to_end("help", "check").stdout, run_to_end("check", "--help").stdout)
        versions = {run_to_end(each).stdout for each in ("version", "--version", "-V")}
        self.assertEqual(len(versions), 1)
        self.assertRegex(versions.pop(), r"^duplexd \d+\.\d+\.\d+\n$")

    def test_unknown(self):
        for arguments in (["chek"], ["help", "chek"], ["chek", "-c", "f"]):
            done = run_to_end(*arguments)
            self.assertEqual((done.returncode, done.stdout, done.stderr),
                             (Exit.USAGE, "", "unknown subcommand 'chek' (did you mean 'check'?)\n"))
        done = run_to_end()
        self.assertEqual((done.returncode, done.stdout), (Exit.USAGE, ""))
        self.assertIn("Subcommands:", done.stderr)
        done = run_to_end("check")
        self.assertEqual(done.returncode, Exit.USAGE)
        self.assertIn("a configuration file (duplexd check FILE) is required", done.stderr)


class Completion(unittest.TestCase):
    """In the real shells."""

    def script(self, shell, name):
        place = self.enterContext(tempfile.TemporaryDirectory(prefix="duplexd-completion-"))
        done = run_to_end("completion", shell)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return write_config(done.stdout, place, name)

    def test_bash(self):
        path = self.script("bash", "duplexd.bash")

        def complete(*words):
            line = " ".join(f"'{word}'" for word in words)
            text = f"source {path}; COMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; _duplexd; echo \"${{COMPREPLY[@]}}\""
            return subprocess.run(["bash", "-c", text], capture_output=True, text=True, check=True).stdout.split()

        self.assertEqual(complete("duplexd", "che"), ["check"])
        self.assertIn("simulate", complete("duplexd", ""))
        self.assertEqual(complete("duplexd", "help", "sch"), ["schema"])
        self.assertEqual(complete("duplexd", "check", "file", "--str"), ["--strict"])
        self.assertEqual(complete("duplexd", "check", "fi"), [])  # then it is a file's name

    def test_fish(self):
        path = self.script("fish", "duplexd.fish")

        def complete(text):
            done = subprocess.run(["fish", "--no-config", "-c", f"source {path}; complete -C '{text}'"], capture_output=True,
                                  text=True, check=True)
            return [line.split("\t")[0] for line in done.stdout.splitlines()]

        self.assertEqual(complete("duplexd che"), ["check"])
        self.assertEqual(complete("duplexd check --str"), ["--strict"])

    def test_zsh(self):
        path = self.script("zsh", "_duplexd")
        process, terminal = pty.fork()
        if process == 0:
            os.chdir(os.path.dirname(path))
            os.execvp("zsh", ["zsh", "-f", "-i"])
        self.addCleanup(os.waitpid, process, 0)
        self.addCleanup(os.kill, process, signal.SIGKILL)

        def type_and_wait(text, shown):
            os.write(terminal, text.encode())
            seen, end = "", time.monotonic() + 60
            while shown not in re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]|\x08", "", seen):
                self.assertLess(time.monotonic(), end, seen)
                if select.select([terminal], [], [], 1)[0]:
                    seen += os.read(terminal, 4096).decode(errors="replace")

        type_and_wait("PS1=; fpath=($PWD $fpath); autoload -Uz compinit; compinit -u -D; "
                      "echo REA''DY\n", "READY")
        type_and_wait("duplexd che\t", "duplexd check")
        type_and_wait("--str\t", "--strict")


class Configurations(unittest.TestCase):
    def setUp(self):
        self.place = self.enterContext(tempfile.TemporaryDirectory(prefix="duplexd-cli-"))

    def write(self, text, name):
        return write_config(text, self.place, name)

    def check(self, *arguments, text=None, **variables):
        given = {"input": text} if text is not None else {"stdin": subprocess.DEVNULL}
        return subprocess.run([BINARY, "check", *arguments], **given, capture_output=True, text=True, timeout=30,
                              check=False, env=os.environ | variables, cwd=self.place)

    def test_where_it_comes_from(self):
        path = self.write(SMALL, "a.yaml")
        for arguments, text in (([path], None), (["-c", path], None), (["a.yaml"], None), (["-"], SMALL), (["-c", "-"], SMALL)):
            done = self.check(*arguments, text=text, PLACE="p")
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertTrue(done.stdout.endswith(": ok, 2 sessions\n"), done.stdout)
        done = self.check("-", text="sessions: 1\n")
        self.assertEqual(done.returncode, Exit.CONFIG)
        self.assertTrue(done.stderr.startswith("-:1:11: sessions: "), done.stderr)

    def test_variables(self):
        path = self.write(SMALL, "a.yaml")
        self.assertIn("the environment variable is not set", self.check(path).stderr)
        values = self.write("# places\nexport PLACE='x y'\n", "values")
        self.assertEqual(self.check(path, "--env-file", values).returncode, Exit.CONFIG)  # no URL has a space
        self.assertEqual(self.check(path, "--env-file", values, PLACE="p").returncode, 0)
        done = self.check(path, "--env-file", self.write("PLACE=p\nsecret\n", "bad"))
        self.assertEqual((done.returncode, done.stderr),
                         (Exit.CONFIG, f"{self.place}/bad: line 2 is not NAME=VALUE\n"))
        done = self.check(path, "--env-file", "/nowhere")
        self.assertEqual(done.returncode, Exit.CONFIG)
        self.assertIn("/nowhere: the file cannot be read", done.stderr)

    def test_strict_and_json(self):
        path = self.write("sessions: {s: {url: 'ws://h/', tls: {verify: false}}}\n", "a.yaml")
        done = self.check(path)
        self.assertEqual(done.returncode, 0)
        self.assertIn("warning: ", done.stderr)
        done = self.check(path, "--strict")
        self.assertEqual((done.returncode, done.stdout), (Exit.CONFIG, ""))
        self.assertIn("1 warning, which --strict does not allow", done.stderr)
        done = self.check(path, "--json")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        found = json.loads(done.stdout)
        self.assertEqual((found["file"], found["ok"], found["sessions"]), (path, True, 1))
        self.assertEqual([each["severity"] for each in found["problems"]], ["warning"])
        self.assertEqual(json.loads(self.check(path, "--json", "--strict").stdout)["ok"], False)
        found = json.loads(self.check("-", "--json", text="version: 1\nsessions:\n  s: {ulr: x}\n").stdout)
        self.assertFalse(found["ok"])
        self.assertEqual([(each["line"], each["column"], each["path"], each["message"]) for each in found["problems"]],
                         [(3, 3, "sessions.s", "the field 'url' is missing"),
                          (3, 7, "sessions.s.ulr", "unknown field 'ulr'")])

    def test_some_sessions(self):
        with RawServer(lambda connection, _: connection.accept() or connection.hold(1)) as server:
            sessions = {name: listener(server.url, login=None, simulate=None) for name in ("one", "two", "three")}
            path = self.write(config(sessions), "a.yaml")
            done = run_to_end("run", path, "three", "one", "--once")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("started with 2 session(s)", done.stderr)
            self.assertNotIn("two: ", done.stderr)
        done = run_to_end("run", path, "four")
        self.assertEqual((done.returncode, done.stderr),
                         (Exit.USAGE, "no such session: four; available: one, two, three\n"))
        done = run_to_end("run", "-", "--commands", "-")
        self.assertEqual((done.returncode, done.stderr),
                         (Exit.USAGE, "the configuration and the commands cannot both be read from stdin\n"))


if __name__ == "__main__":
    unittest.main()
