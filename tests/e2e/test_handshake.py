"""The upgrade request beside the one of the websockets library that is installed."""

import asyncio
import threading
import unittest

import websockets

from support.config import config, listener
from support.daemon import Daemon
from support.raw_server import RawServer, close_frame

# As duplexd's session, and as an asyncio program would ask for the same.
PLAIN = ({}, {"compression": None})
FULL = ({"subprotocols": ["mqtt", "v12.stomp"], "permessage_deflate": {},
         "headers": {"Origin": "https://desk.test.com", "Authorization": "Bearer 1", "X-App": "7"}},
        {"subprotocols": ["mqtt", "v12.stomp"], "origin": "https://desk.test.com",
         "extra_headers": {"Authorization": "Bearer 1", "X-App": "7"}})


def lines_of(request):
    """The request's lines; what differs between any two programs is left out of them."""
    own = (b"Sec-WebSocket-Key: ", b"User-Agent: ", b"Host: ")
    return [next((name for name in own if line.startswith(name)), line) for line in request.split(b"\r\n")]


class Cookies(unittest.TestCase):
    """A login by form, and a load balancer that wants its client back."""

    def test_come_back(self):
        seen = []

        def serve(connection, _number):
            request = connection.read_request()
            path = request.split(b" ")[1]
            sent = [line[8:] for line in request.split(b"\r\n") if line.startswith(b"Cookie: ")]
            seen.append((path, sent))
            if path == b"/login":
                connection.refuse(b"302 Found", b"", b"Set-Cookie: TOKEN=abc; Path=/; HttpOnly\r\n"
                                  b"Set-Cookie: csrf=xyz; Path=/; Expires=Wed, 09 Jun 2100 10:18:14 GMT\r\n"
                                  b"Set-Cookie: page=1; Path=/home\r\nLocation: /home\r\n")
            elif path == b"/home":
                connection.refuse(b"200 OK", b"{}")
            else:
                connection.accept(b"Set-Cookie: AWSALB=node7; Path=/\r\n")
                connection.send(close_frame(1012))
                connection.hold(1)
        with RawServer(serve, tls=False) as server:
            before = [{"http": {"url": server.url.replace("ws://", "http://") + "login", "body": "user=agent"}}]
            settings = listener(server.url, before=before, login=None)
            with Daemon(config(settings)) as daemon:
                daemon.wait_log("callcentre: connected", count=2)
            self.assertEqual(server.errors, [])
        self.assertEqual(seen[:3], [(b"/login", []), (b"/home", [b"page=1; TOKEN=abc; csrf=xyz"]),
                                    (b"/", [b"TOKEN=abc; csrf=xyz"])])
        self.assertEqual(seen[5], (b"/", [b"TOKEN=abc; csrf=xyz; AWSALB=node7"]))


class Request(unittest.TestCase):
    """What a server sees of the two."""

    def asked_by(self, connect):
        """The request that `connect`, given a URL, sends."""
        seen, came = [], threading.Event()

        def refuse(connection, _number):
            seen.append(connection.read_request())
            came.set()
            connection.refuse(b"503 Service Unavailable", b"")
        with RawServer(refuse, tls=False) as server:
            connect(server.url + "a/b?c=d", came)
        return lines_of(seen[0])

    # Servers exist that compare the names and values letter by letter, and firewalls that look at the order.
    def test_is_that_of_websockets(self):
        for ours, theirs in (PLAIN, FULL):
            def by_daemon(url, came, ours=ours):
                with Daemon(config(listener(url, **ours))):
                    self.assertTrue(came.wait(10))

            def by_library(url, _came, theirs=theirs):
                async def connect():
                    await websockets.connect(url, **theirs)
                with self.assertRaises(websockets.InvalidStatusCode):
                    asyncio.run(connect())
            with self.subTest(ours=ours):
                self.assertEqual(self.asked_by(by_daemon), self.asked_by(by_library))
