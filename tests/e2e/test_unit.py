"""`check --unit` and `probe --unit`: with the unit of systemd/ as it is installed, in a directory of the test's."""

import os
import pathlib
import subprocess
import tempfile
import unittest

from support.daemon import BINARY, ROOT, Exit

CONFIG = """
sessions:
  feed:
    url: "wss://localhost:1/${env:PLACE}"
    headers: {Authorization: "Bearer ${credential:duplexd_token}"}
"""


class Unit(unittest.TestCase):
    def setUp(self):
        self.place = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="duplexd-unit-")))
        for name in ("units", "etc/credentials", "runtime"):
            (self.place / name).mkdir(parents=True)
        unit = (ROOT / "systemd/duplexd.service.in").read_text()
        for name, value in {"@DUPLEXD_BINDIR@": "/usr/bin", "@DUPLEXD_INSTANCE@": "%i", "/etc/duplexd": f"{self.place}/etc"}.items():
            unit = unit.replace(name, value)
        (self.place / "units/duplexd@.service").write_text(unit)
        (self.place / "etc/feed.yaml").write_text(CONFIG)
        self.drop_in("10-place", "[Service]\nEnvironment=PLACE=x\n")

    def drop_in(self, name, text):
        folder = self.place / "units/duplexd@feed.service.d"
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.conf").write_text(text)

    def run_with(self, *arguments):
        environment = os.environ | {"SYSTEMD_UNIT_PATH": f"/nowhere:{self.place}/units", "XDG_RUNTIME_DIR": f"{self.place}/runtime"}
        done = subprocess.run([BINARY, *arguments], capture_output=True, text=True, timeout=30, check=False, env=environment)
        self.assertEqual(list((self.place / "runtime").iterdir()), [], "no credentials are left behind")
        return done

    def test_check(self):
        done = self.run_with("check", "--unit", "duplexd@feed")
        self.assertEqual(done.returncode, Exit.CONFIG)
        self.assertIn("${credential:duplexd_token}", done.stderr)
        token = self.place / "etc/credentials/token"
        token.write_text("s3cret")
        done = self.run_with("check", "--unit", "duplexd@feed.service")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(done.stdout, f"{self.place}/etc/feed.yaml: ok, 1 session\n")
        self.assertEqual(token.read_text(), "s3cret", "the links went, not what they led to")
        done = self.run_with("probe", "--unit", "duplexd@feed", "--json")
        self.assertEqual(done.returncode, 22, done.stderr)
        # A later drop-in forgets the credentials of the unit.
        self.drop_in("20-none", "[Service]\nLoadCredential=\nSetCredential=duplexd_token:x\n")
        done = self.run_with("check", "--unit", "duplexd@feed")
        self.assertEqual(done.returncode, Exit.CONFIG)
        self.assertIn("duplexd@feed: SetCredential= is not followed here\n", done.stderr)

    def test_environment_files(self):
        (self.place / "etc/credentials/token").write_text("s3cret")
        self.drop_in("10-place", f"[Service]\nEnvironmentFile=-/nowhere/env\nEnvironmentFile={self.place}/env\n")
        done = self.run_with("check", "--unit", "duplexd@feed")
        self.assertEqual(done.returncode, Exit.CONFIG)
        self.assertIn(f"{self.place}/env: the file cannot be read", done.stderr)
        (self.place / "env").write_text("PLACE=y\n")
        self.assertEqual(self.run_with("check", "--unit", "duplexd@feed").returncode, 0)

    def test_mistakes(self):
        for arguments, why in (([], "there is no unit duplexd.service\n"), (["feed.yaml"], "--unit: the unit says which file it is\n")):
            done = self.run_with("check", "--unit", "duplexd", *arguments)
            self.assertEqual((done.returncode, done.stdout, done.stderr), (Exit.CONFIG, "", why))
        self.drop_in("30-other", "[Service]\nExecStart=\nExecStart=/bin/true\n")
        done = self.run_with("check", "--unit", "duplexd@feed")
        self.assertEqual(done.stderr, "duplexd@feed.service: its ExecStart= does not run duplexd with a file\n")
        self.drop_in("30-other", "[Service]\nLoadCredential=a:/nowhere/at/all\n")
        done = self.run_with("check", "--unit", "duplexd@feed")
        self.assertIn("LoadCredential=a:/nowhere/at/all: No such file", done.stderr)


if __name__ == "__main__":
    unittest.main()
