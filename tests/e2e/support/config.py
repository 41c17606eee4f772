"""The reference session of config/examples/reference.yaml, pointed at a test's server."""

import copy
import functools
import json
import os
import struct

import yaml

from .certificates import certificates
from .daemon import ROOT

EXAMPLE = ROOT / "config" / "examples" / "reference.yaml"
SESSION = "callcentre"

os.environ["AGENT_ID"] = "test1234"  # what the example's ${env:AGENT_ID} stands for

# What the server must see, in the terms of the Python script that the session replaces.
LOGIN = json.dumps({"role": "admin", "user_id": "test1234"}).encode()
SET_SERVICE = struct.pack("=i", 2) + json.dumps(["first", "test"]).encode()
TO_FREE = struct.pack("=ib", 0, 0)


def reply(code, rest=b""):
    """The bytes of a reply."""
    return struct.pack("=i", code) + rest


@functools.cache
def _example():
    return yaml.safe_load(EXAMPLE.read_text())


def session(url, **overrides):
    """The reference session for `url`, as a value; keyword arguments replace its keys, None removes one.

    Reconnects are quick, so that no test waits for the backoff of real life.
    """
    value = copy.deepcopy(_example()["sessions"][SESSION])
    value |= {"url": url, "tls": {"ca_file": certificates().ca}, "reconnect": {"initial": "50ms", "maximum": "200ms"}}
    value |= overrides
    return {key: part for key, part in value.items() if part is not None}


def config(sessions, **top_level):
    """A whole configuration: of one session's value, or of several by name."""
    if "url" in sessions:
        sessions = {SESSION: sessions}
    rest = {key: part for key, part in _example().items() if key != "sessions"}
    return rest | top_level | {"sessions": sessions}


def listener(url, **overrides):
    """A session that logs in and then only listens."""
    return session(url, **({"script": None} | overrides))
