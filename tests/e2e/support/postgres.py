"""A PostgreSQL server of the test's own, in a directory of its own, as a user that is not root."""

import glob
import os
import pathlib
import pwd
import signal
import subprocess
import tempfile
import unittest

from .ports import free_port
from .waiting import until

PASSWORD = "s3cret of @the-database"


def programs():
    """Where Debian has the server's programs."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin"))
    if not found:
        raise unittest.SkipTest("there is no PostgreSQL server: scripts/install e2e")
    return pathlib.Path(found[-1])


class Postgres:
    """Use as a context manager. The role `duplexd` has a password; `ask` is the superuser's."""

    def __init__(self):
        self.programs = programs()
        self.user = {}
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            self.user = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        self.place = tempfile.TemporaryDirectory(prefix="duplexd-pg-", dir="/tmp")
        self.path = pathlib.Path(self.place.name)
        if self.user:
            os.chown(self.path, self.user["user"], self.user["group"])
        self.port = free_port()
        self.process = None
        self.call("initdb", "--pgdata", self.path / "data", "--username", "postgres", "--no-sync", "--auth-local", "trust",
                  "--auth-host", "scram-sha-256", "--encoding", "UTF8", "--no-locale")

    def call(self, program, *arguments, **options):
        return subprocess.run([self.programs / program, *map(str, arguments)], cwd=self.path, check=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, **(self.user | options))

    def __enter__(self):
        self.start()
        self.ask(f"CREATE ROLE duplexd LOGIN PASSWORD '{PASSWORD}'", database="postgres")
        self.ask("CREATE DATABASE feeds OWNER duplexd", database="postgres")
        return self

    def __exit__(self, *_):
        if self.process is not None:
            self.signal_all(signal.SIGCONT)
            self.kill()
        self.place.cleanup()

    @property
    def url(self):
        return f"postgresql://duplexd:${{env:DATABASE_PASSWORD | url}}@127.0.0.1:{self.port}/feeds"

    def start(self):
        with tempfile.TemporaryFile() as log:
            self.process = subprocess.Popen(
                [self.programs / "postgres", "-D", self.path / "data", "-p", str(self.port), "-h", "127.0.0.1", "-k", self.path, "-F"],
                cwd=self.path, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, **self.user)
        ready = [self.programs / "pg_isready", "-q", "-h", self.path, "-p", str(self.port)]
        until(lambda: subprocess.run(ready, check=False).returncode == 0)

    def kill(self):
        """Without a word to anybody who is connected; what was committed is kept."""
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait()
        self.process = None

    def signal_all(self, number):
        """To the server and the processes that serve connections."""
        listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(self.process.pid)], capture_output=True, text=True, check=False)
        for pid in [self.process.pid, *map(int, listed.stdout.split())]:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass

    def ask(self, sql, database="feeds"):
        """Rows of texts."""
        out = self.call("psql", "-h", self.path, "-p", self.port, "-U", "postgres", "-d", database, "-q", "-A", "-t", "-F", "|",
                        "-v", "ON_ERROR_STOP=1", "-c", sql).stdout
        return out.splitlines()
