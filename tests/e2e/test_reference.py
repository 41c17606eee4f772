"""The reference session against servers that nobody here wrote, over verified TLS."""

import re
import unittest

from support import peers
from support.config import LOGIN, SET_SERVICE, TO_FREE, config, reply, session
from support.daemon import Daemon
from support.raw_server import BINARY, TEXT, RawServer, close_frame, frame

RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


class RealServers(unittest.TestCase):
    def run_against(self, library, extensions="", **settings):
        with peers.Server(library) as server, \
                Daemon(config(session(server.url, **settings)), "--once") as daemon:
            self.assertEqual(daemon.wait(), 0, daemon.log.all())
            self.assertEqual((server.wait("open")["extensions"] or "").split(";")[0], extensions)
            closed = server.wait("close")
            self.server_saw(server, closed)
            self.client_saw(daemon, server.url)

    def server_saw(self, server, closed):
        messages = server.messages()
        self.assertEqual([(kind, data) for kind, data, _ in messages],
                         [("text", LOGIN), ("binary", SET_SERVICE), ("binary", TO_FREE)])
        times = [time for _, _, time in messages]
        for before, after in zip(times, times[1:]):
            self.assertGreaterEqual(after - before, 0.45)
            self.assertLess(after - before, 2.0)
        self.assertEqual((closed["code"], closed["reason"]), (1000, "user quit"))

    def client_saw(self, daemon, url):
        events = daemon.events.all()
        short = [event for event in events if event["event"] == "raw"]
        codes = [data["code"] for data in daemon.replies()]
        self.assertEqual(codes, [7, 0, *range(100, 150)], "every reply, in order, up to the server's close frame")
        self.assertEqual([event["bytes"] for event in short], ["010203"], "a reply that is too short is not lost")
        self.assertEqual(len(events), 53)
        for event in events:
            self.assertEqual((event["v"], event["session"]), (1, "callcentre"))
            self.assertRegex(event["time"], RFC3339)
        self.log_order(daemon, url)

    def log_order(self, daemon, url):
        log = daemon.log.all()
        steps = [f"attempting connection to {re.escape(url)}", r"connected$", r"closed\b", r"session ended$"]
        places = [[i for i, line in enumerate(log) if re.search(f"callcentre: {step}", line)] for step in steps]
        self.assertEqual([len(found) for found in places], [1, 1, 1, 1], log)
        self.assertEqual(sorted(places), places, log)

    # The session as npm's ws sees it: exact bytes, order, pauses, close; and every reply as an event.
    def test_ws(self):
        self.run_against("ws")

    # The same with Debian's python3-websockets.
    def test_websockets(self):
        self.run_against("websockets")


    # The same session compressed, with every answer that the two libraries give to what can be asked.
    def test_compressed(self):
        for settings in ({}, {"server_max_window_bits": 10, "client_max_window_bits": 9},
                         {"server_no_context_takeover": True, "client_no_context_takeover": True, "level": 9}):
            for library in peers.LIBRARIES:
                with self.subTest(library, **settings):
                    self.run_against(library, "permessage-deflate", permessage_deflate={"threshold": 0} | settings)

    # A server that knows nothing of it answers nothing, and the session goes on uncompressed.
    def test_compression_declined(self):
        def serve(connection, _):
            requests.append(connection.read_request())
            connection.accept()
            self.assertEqual(connection.read_message(), (TEXT, LOGIN))
            connection.send(frame(BINARY, reply(1)))
            closes.append(connection.read_close())
            connection.send(close_frame(1000))

        requests, closes = [], []
        settings = session("", script=[{"expect": "reply", "timeout": "5s"}], permessage_deflate={"threshold": 0})
        with RawServer(serve) as server, Daemon(config(settings | {"url": server.url}), "--once") as daemon:
            self.assertEqual(daemon.wait(), 0, daemon.log.all())
            self.assertEqual(server.errors, [])
        self.assertIn(b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n", requests[0])
        self.assertEqual(closes, [(1000, "user quit")])
        self.assertEqual([data["code"] for data in daemon.replies()], [1])


class LateReplies(unittest.TestCase):
    # Between its own close frame and the server's the client still listens: what comes in that time is read.
    def test_replies_after_the_clients_close_frame_are_read(self):
        def serve(connection, _):
            connection.accept()
            for expected in (LOGIN, SET_SERVICE, TO_FREE):
                opcode, data = connection.read_message()
                self.assertEqual(data, expected)
            connection.send(frame(BINARY, reply(1)))
            closes.append(connection.read_close())
            connection.send(frame(BINARY, reply(2, b"late")) + frame(BINARY, b"\x01") + close_frame(1000, b"user quit"))
            connection.hold(5)

        closes = []
        with RawServer(serve) as server, Daemon(config(session(server.url)), "--once") as daemon:
            self.assertEqual(daemon.wait(), 0, daemon.log.all())
            self.assertEqual(server.errors, [])
        self.assertEqual(closes, [(1000, "user quit")])
        self.assertEqual([data["code"] for data in daemon.replies()], [1, 2])
        self.assertEqual([event["bytes"] for event in daemon.events.all() if event["event"] == "raw"], ["01"])


if __name__ == "__main__":
    unittest.main()
