"""What functions make of values, judged by programs that nobody here wrote: PyJWT, and Python's own hmac and time."""

import base64
import email.utils
import hashlib
import hmac
import json
import os
import pathlib
import queue
import subprocess
import tempfile
import time
import unittest

import jwt
from support.config import config, listener
from support.daemon import Daemon
from support.raw_server import RawServer

QUIET = {"ping_interval": "0s", "idle_timeout": "0s"}
SECRET = b"\x00\xffbytes that are no text"


def make_key(directory, name, *options):
    """A private key in PEM, and its public key."""
    path = pathlib.Path(directory) / name
    subprocess.run(["openssl", "genpkey", *options, "-out", path], check=True, capture_output=True)
    public = subprocess.run(["openssl", "pkey", "-in", path, "-pubout"], check=True, capture_output=True).stdout
    return str(path), public.decode()


class Functions(unittest.TestCase):
    def login(self, message, before):
        """The login message as the server sees it."""
        seen = queue.Queue()

        def read(connection, _):
            connection.accept()
            seen.put(json.loads(connection.read_message()[1]))
            connection.hold()

        with RawServer(read, tls=False) as server:
            own = {"protocol": None, "simulate": None, "liveness": QUIET, "before": before, "login": {"json": message}}
            with Daemon(config(listener(server.url, tls=None, **own))):
                return seen.get(timeout=30)

    def test_tokens(self):
        with tempfile.TemporaryDirectory(prefix="duplexd-functions-") as directory:
            rsa, rsa_public = make_key(directory, "rsa.pem", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048")
            curve, curve_public = make_key(directory, "ec.pem", "-algorithm", "EC", "-pkeyopt",
                                           "ec_paramgen_curve:P-256")
            claims = {"sub": "agent", "iat": "${time:unix}", "exp": "${= time:unix + 300}", "text": "ä\n"}
            got = self.login({"hs": "${var:claims | jwt_hs256('shared')}",
                              "rs": f"${{var:claims | jwt_rs256(file:{rsa})}}",
                              "es": [f"${{var:claims | jwt_es256(file:{curve}, var:header)}}"] * 20},
                             [{"set": {"claims": claims, "header": {"kid": "one", "alg": "none"}}}])
        tokens = [(got["hs"], "shared", "HS256"), (got["rs"], rsa_public, "RS256"),
                  *((each, curve_public, "ES256") for each in got["es"])]  # r and s begin with a zero now and then
        for token, key, algorithm in tokens:
            read = jwt.decode(token, key, algorithms=[algorithm])
            self.assertEqual((read["sub"], read["text"], read["exp"] - read["iat"]), ("agent", "ä\n", 300))
        self.assertEqual(jwt.get_unverified_header(got["es"][0]), {"alg": "ES256", "typ": "JWT", "kid": "one"})

    # As exchanges want it: a key in base64, and a key that is made of a key.
    def test_signatures(self):
        os.environ["DUPLEXD_E2E_KEY"] = base64.b64encode(SECRET).decode()
        self.addCleanup(os.environ.pop, "DUPLEXD_E2E_KEY")
        got = self.login({"one": "${'GET\\n/ws' | hmac_sha256(env:DUPLEXD_E2E_KEY | from_base64) | base64}",
                          "two": "${'a' | hmac_sha512('day' | hmac_sha256('k')) | hex}",
                          "date": "${time:http}", "default": "${env:DUPLEXD_E2E_NONE:-none}"}, None)
        one = hmac.new(SECRET, b"GET\n/ws", hashlib.sha256).digest()
        key = hmac.new(b"k", b"day", hashlib.sha256).digest()
        self.assertEqual(got["one"], base64.b64encode(one).decode())
        self.assertEqual(got["two"], hmac.new(key, b"a", hashlib.sha512).hexdigest())
        self.assertLess(abs(email.utils.parsedate_to_datetime(got["date"]).timestamp() - time.time()), 3600)
        self.assertEqual(got["default"], "none")


if __name__ == "__main__":
    unittest.main()
