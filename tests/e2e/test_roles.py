"""Who may view and who may operate: sockets, tokens, and sockets that systemd has opened."""

import json
import pathlib
import re
import subprocess
import tempfile
import unittest

from support.config import config, listener
from support.daemon import BINARY, Daemon, Exit, run_to_end, write_config
from support.waiting import until

NOBODY = "ws://localhost:1/"  # a port that nothing listens on
VIEWS = ("/api/v1/sessions", "/api/v1/sessions/callcentre", "/api/v1/sessions/callcentre/commands", "/api/v1/log",
         "/api/v1/openapi.json", "/")
CHANGES = (("POST", "/api/v1/sessions/callcentre/pause"), ("POST", "/api/v1/sessions/callcentre/resume"),
           ("POST", "/api/v1/sessions/callcentre/reconnect"), ("POST", "/api/v1/sessions/callcentre/drain"),
           ("POST", "/api/v1/sessions/callcentre/commands"), ("DELETE", "/api/v1/sessions/callcentre/commands/1"),
           ("PUT", "/api/v1/log"), ("POST", "/api/v1/reload?dry_run=true"))


def curl(*arguments):
    """Status and body."""
    done = subprocess.run(["curl", "-sS", "-m", "10", "-w", "\n%{http_code}", *arguments], capture_output=True, text=True,
                          timeout=20, check=True)
    body, _, status = done.stdout.rpartition("\n")
    return int(status), body


class Roles(unittest.TestCase):
    def setUp(self):
        self.place = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="duplexd-roles-")))
        self.control, self.view = str(self.place / "control.sock"), str(self.place / "view.sock")
        (self.place / "operate.token").write_text("open-sesame")
        (self.place / "view.token").write_text("look-only")

    def check_views(self, *how, base="http://localhost"):
        for path in VIEWS:
            self.assertEqual(curl(*how, base + path)[0], 200, path)
        for method, path in CHANGES:
            status, body = curl(*how, "-X", method, base + path)
            self.assertEqual(status, 403, (method, path, body))
            self.assertRegex(json.loads(body)["error"], r"^\w+ needs the role operate, and this client has the role view$")
        self.assertEqual(curl(*how, "-X", "DELETE", base + "/api/v1/log")[0], 405)

    def test_sockets(self):
        with Daemon(config(listener(NOBODY), control={"socket": self.control, "view_socket": self.view})) as daemon:
            daemon.wait_log(re.escape(f"control listens on {self.view} (view only)"))
            self.check_views("--unix-socket", self.view)
            self.assertEqual(run_to_end("status", "--socket", self.view).returncode, 0)
            refused = run_to_end("pause", "--socket", self.view, "callcentre")
            self.assertEqual(refused.returncode, Exit.REFUSED)
            self.assertIn("pauseSession needs the role operate, and this client has the role view", refused.stderr)
            self.assertEqual(curl("--unix-socket", self.control, "-A", "x" * 100, "-X", "POST",
                                  "http://localhost/api/v1/sessions/callcentre/pause")[0], 200)
            told = daemon.wait_log("pauseSession callcentre by uid")
            self.assertRegex(told, r"by uid \d+, pid \d+ \(x{70,80}[^x]{0,3}\)$")
            self.assertEqual(run_to_end("resume", "--socket", self.control, "callcentre").returncode, 0)
            daemon.wait_log(r"resumeSession callcentre by uid \d+, pid \d+ \(duplexd\)$")

    def test_tokens(self):
        tokens = {name: f"${{file:{self.place}/{file}.token}}" for name, file in (("token", "operate"), ("view_token", "view"))}
        with Daemon(config(listener(NOBODY), control={"listen": "127.0.0.1:0"} | tokens)) as daemon:
            base = "http://" + re.search(r"127\.0\.0\.1:\d+", daemon.wait_log(r"control listens on 127\.0\.0\.1:"))[0]

            def bearer(token):
                return "-H", f"Authorization: Bearer {token}"

            self.check_views(*bearer("look-only"), base=base)
            pause = ("-X", "POST", base + "/api/v1/sessions/callcentre/pause")
            self.assertEqual(curl(*bearer("open-sesame"), *pause)[0], 200)
            for wrong in ("look-onlY", "", "open-sesame2"):
                self.assertEqual(curl(*bearer(wrong), base + "/api/v1/sessions")[0], 401, wrong)
            (self.place / "view.token").write_text("")
            self.assertEqual(curl(*bearer(""), base + "/api/v1/sessions")[0], 401)
            (self.place / "view.token").unlink()  # one that cannot be read lets nobody in, and keeps no other out
            self.assertEqual(curl(*bearer("look-only"), base + "/api/v1/sessions")[0], 401)
            self.assertEqual(curl(*bearer("open-sesame"), base + "/api/v1/sessions")[0], 200)

    # systemd's own tool opens the sockets and starts duplexd with the first connection.
    def activate(self, *names):
        file = write_config(config(listener(NOBODY, login=None, simulate=None), log={"format": "text"}), self.place)
        paths = [part for path in (self.control, self.view)[:len(names)] for part in ("--listen", path)]
        return subprocess.Popen(["systemd-socket-activate", *paths, "--fdname", ":".join(names), BINARY, "run", "-c", file],
                                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def test_sockets_of_systemd(self):
        with self.activate("control", "view") as process:
            until(lambda: pathlib.Path(self.view).exists())
            try:
                self.check_views("--unix-socket", self.view)
                self.assertEqual(curl("--unix-socket", self.control, "-X", "POST",
                                      "http://localhost/api/v1/sessions/callcentre/pause")[0], 200)
            finally:
                process.terminate()
                log = process.communicate(timeout=30)[1]
        self.assertIn(f"control listens on {self.control}\n", log)
        self.assertIn(f"control listens on {self.view} (view only)\n", log)
        self.assertEqual(process.returncode, 0, log)
        self.assertTrue(pathlib.Path(self.control).exists())  # it is systemd's

    # Sockets that cannot be told apart are not passed over in silence.
    def test_more_names_than_sockets(self):
        file = write_config(config(listener(NOBODY, login=None, simulate=None)), self.place)
        done = subprocess.run(["sh", "-c", 'LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=control:view exec "$@" 3</dev/null', "sh", BINARY,
                               "run", "-c", file], capture_output=True, text=True, timeout=30, check=False)
        self.assertEqual(done.returncode, Exit.INTERNAL)
        self.assertIn("the sockets that systemd passes cannot be taken (LISTEN_FDS, LISTEN_FDNAMES): Invalid argument", done.stderr)

    def test_a_socket_of_another_name(self):
        with self.activate("other") as process:
            until(lambda: pathlib.Path(self.control).exists())
            subprocess.run(["curl", "-sS", "-m", "10", "--unix-socket", self.control, "http://localhost/"], capture_output=True,
                           timeout=20, check=False)
            log = process.communicate(timeout=30)[1]
        self.assertIn(f"systemd passes the socket {self.control} as 'other': FileDescriptorName= of its unit is control or view", log)
        self.assertEqual(process.returncode, Exit.INTERNAL)


if __name__ == "__main__":
    unittest.main()
