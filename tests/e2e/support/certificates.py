"""Certificates for one run of the tests, made with the openssl command line: nothing secret is kept anywhere."""

import functools
import pathlib
import subprocess
import tempfile
from dataclasses import dataclass

EC_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]


@dataclass(frozen=True)
class Pair:
    """A certificate and its key, both PEM files."""

    certificate: str
    key: str


class Certificates:
    """A CA and the server certificates that the tests need."""

    def __init__(self):
        self._dir = tempfile.TemporaryDirectory(prefix="duplexd-certificates-")
        self._root = pathlib.Path(self._dir.name)
        self.ca = str(self._root / "ca.pem")
        _openssl("req", "-x509", *EC_KEY, "-days", "2", "-subj", "/CN=duplexd test CA", "-addext",
                 "keyUsage=critical,keyCertSign,cRLSign", "-keyout", self._root / "ca.key", "-out", self.ca)
        self.valid = self._signed("valid", "localhost", "DNS:localhost,IP:127.0.0.1,IP:::1", days=2)
        self.expired = self._signed("expired", "localhost", "DNS:localhost", days=-1)
        self.wrong_host = self._signed("wrong_host", "elsewhere.example", "DNS:elsewhere.example", days=2)
        self.self_signed = self._self_signed("self_signed")

    def _signed(self, name, common_name, alternative_names, days):
        pair, request, extensions = self._pair(name), self._root / f"{name}.csr", self._root / f"{name}.ext"
        extensions.write_text(f"subjectAltName={alternative_names}\n")
        _openssl("req", *EC_KEY, "-subj", f"/CN={common_name}", "-keyout", pair.key, "-out", request)
        _openssl("x509", "-req", "-in", request, "-CA", self.ca, "-CAkey", self._root / "ca.key", "-CAcreateserial",
                 "-days", str(days), "-extfile", extensions, "-out", pair.certificate)
        return pair

    def _self_signed(self, name):
        pair = self._pair(name)
        _openssl("req", "-x509", *EC_KEY, "-days", "2", "-subj", "/CN=localhost", "-addext",
                 "subjectAltName=DNS:localhost", "-keyout", pair.key, "-out", pair.certificate)
        return pair

    def _pair(self, name):
        return Pair(str(self._root / f"{name}.pem"), str(self._root / f"{name}.key"))


def _openssl(*arguments):
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"openssl {arguments[0]} failed: {done.stderr}")


@functools.cache
def certificates():
    """The run's certificates, made at the first call."""
    return Certificates()
