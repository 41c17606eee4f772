"""The configurations of config/examples/cookbook, as they stand, and the servers in peers/ that they are tried with."""

import os
import pathlib
import re

from .daemon import ROOT
from .peers import PEERS, Reporter

FOLDER = ROOT / "config" / "examples" / "cookbook"
ADDRESS = "localhost:8080"  # where every configuration expects its server

# What the configurations' ${env:…} stand for; the servers read them too.
os.environ |= {"OCPP_PASSWORD": "charge", "MQTT_PASSWORD": "broker", "CHAT_TOKEN": "chatter", "CLIENT_SECRET": "client",
               "DEVICE_KEY": "device", "OBS_PASSWORD": "studio", "SPEECH_KEY": "speech", "STOMP_PASSWORD": "stomp"}

# For links that break often: no test waits for the backoff of real life.
QUICK = "\ndefaults:\n  reconnect: {initial: 50ms, maximum: 200ms}\n"


def with_protos(text, folder):
    """The text with absolute paths of the .proto files that are in the folder."""
    return re.sub(r"protobuf: ([\w.-]+\.proto)", rf"protobuf: {folder}/\1", text)


def text_of(name):
    """A configuration's text, for a file elsewhere."""
    return with_protos((FOLDER / f"{name}.yaml").read_text(), FOLDER)


def config(name, address, secure=None):
    """A configuration for a server elsewhere: "HOST:PORT". `secure`: over TLS, trusting this CA."""
    text = text_of(name).replace(ADDRESS, address)
    if secure:
        text = text.replace("ws://", "wss://").replace("http://", "https://")
    return text + QUICK + (f"  tls: {{ca_file: {secure}}}\n" if secure else "")


class Server(Reporter):
    """The server of peers/cookbook_NAME.py or .mjs."""

    def __init__(self, name, port=0, *arguments, prefix=()):
        self.name = name
        path = next(pathlib.Path(PEERS).glob(f"cookbook_{name}.*"))
        interpreter = "/usr/bin/python3" if path.suffix == ".py" else "node"
        super().__init__([*prefix, interpreter, path, port, *arguments])
        self.address = f"localhost:{self.port}"
