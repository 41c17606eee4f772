"""Keys and tokens as NATS knows them (nkeys, JWT), for a server whose accounts are tokens."""

import base64
import json

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

PREFIXES = {"operator": 14 << 3, "account": 0, "user": 20 << 3}
RAW = (serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def checksum(data):
    """CRC-16/XMODEM."""
    made = 0
    for byte in data:
        made ^= byte << 8
        for _ in range(8):
            made = (made << 1 ^ (0x1021 if made & 0x8000 else 0)) & 0xFFFF
    return made.to_bytes(2, "little")


def text_of(data):
    return base64.b32encode(data + checksum(data)).decode().rstrip("=")


class Key:
    def __init__(self, kind):
        self.kind = kind
        self.secret = Ed25519PrivateKey.generate()
        self.name = text_of(bytes([PREFIXES[kind]]) + self.secret.public_key().public_bytes(*RAW))

    @property
    def seed(self):
        prefix = PREFIXES[self.kind]
        raw = self.secret.private_bytes(serialization.Encoding.Raw, serialization.PrivateFormat.Raw, serialization.NoEncryption())
        return text_of(bytes([18 << 3 | prefix >> 5, (prefix & 31) << 3]) + raw)

    def sign(self, subject, **more):
        """A token about another key, or this one."""
        claims = {"jti": subject.name, "iat": 1_600_000_000, "iss": self.name, "name": subject.kind, "sub": subject.name,
                  "nats": {"type": subject.kind, "version": 2} | more}
        parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
                 for part in ({"typ": "JWT", "alg": "ed25519-nkey"}, claims)]
        signature = self.secret.sign(".".join(parts).encode())
        return ".".join([*parts, base64.urlsafe_b64encode(signature).decode().rstrip("=")])


def write_accounts(credentials):
    """Writes a user's credentials; returns the part of the server's configuration that lets that user in."""
    operator, account, user = (Key(kind) for kind in PREFIXES)
    limits = dict.fromkeys(["subs", "data", "payload"], -1)
    token = account.sign(user, pub={}, sub={}, **limits)
    credentials.write_text(f"-----BEGIN NATS USER JWT-----\n{token}\n------END NATS USER JWT------\n\n"
                           f"-----BEGIN USER NKEY SEED-----\n{user.seed}\n------END USER NKEY SEED------\n")
    more = dict.fromkeys(["imports", "exports", "conn", "leaf"], -1) | {"wildcards": True}
    return (f"operator: {operator.sign(operator)}\nresolver: MEMORY\n"
            f"resolver_preload: {{ {account.name}: {operator.sign(account, limits=limits | more)} }}\n")
