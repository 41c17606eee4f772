"""`duplexd connect` against a server of the websockets library: in pipes, on a terminal, and at every kind of end."""

import asyncio
import os
import pty
import re
import signal
import socket
import subprocess
import tempfile
import threading
import unittest

import websockets

from support.certificates import certificates
from support.daemon import BINARY, Exit, run_to_end, write_config
from support.lines import Lines
from support.raw_server import RawServer
from support.waiting import until

FEED = """
sessions:
  feed:
    url: ws://h/
    protocol:
      byte_order: big
      commands: {buy: 'op:B=1 amount:H', say: {json: {op: say, text: ~}}}
      replies:
        - {as: order, layout: 'op:B=1 amount:H'}
        - {as: said, when: {json: /op, is: say}}
"""


class EchoServer:
    """Sends back what comes; `close CODE` closes, `binary` sends bytes. Pings often."""

    def __init__(self):
        self.seen = []
        self._loop = asyncio.new_event_loop()
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,), daemon=True)
        self._thread.start()
        ready.wait(10)
        self.url = f"ws://127.0.0.1:{self.port}/"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _run(self, ready):
        asyncio.set_event_loop(self._loop)
        served = websockets.serve(self._serve, "127.0.0.1", 0, subprotocols=["second"], ping_interval=0.2)
        server = self._loop.run_until_complete(served)
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        self._loop.run_forever()
        server.close()
        self._loop.run_until_complete(server.wait_closed())
        self._loop.run_until_complete(asyncio.gather(*asyncio.all_tasks(self._loop), return_exceptions=True))
        self._loop.close()

    async def _serve(self, connection):
        self.seen.append(("headers", connection.request_headers))
        try:
            async for message in connection:
                self.seen.append(("message", message))
                if isinstance(message, str) and message.startswith("close "):
                    await connection.close(int(message.split()[1]), "enough")
                    break
                await connection.send(b"\x00\x7f~" if message == "binary" else message)
        except websockets.ConnectionClosed:
            pass
        self.seen.append(("close", connection.close_code))


class Connect(unittest.TestCase):
    def setUp(self):
        self.server = self.enterContext(EchoServer())

    def start(self, *options, **streams):
        process = subprocess.Popen([BINARY, "connect", self.server.url, *options], stdin=subprocess.PIPE,
                                   **({"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | streams), text=True)
        self.addCleanup(process.__exit__, None, None, None)
        self.addCleanup(process.kill)
        return process

    def talk(self, lines, *options):
        """Sends the lines, waits for as many, ends stdin; returns (exit code, stdout, stderr)."""
        process = self.start("--wait", "0", *options)
        process.stdin.write("".join(line + "\n" for line in lines))
        process.stdin.flush()
        out, log = Lines(process.stdout), Lines(process.stderr)
        until(lambda: len(out.all()) >= len(lines) or process.poll() is not None)
        process.stdin.close()
        code = process.wait(30)
        return code, out.join(), log.join()

    def messages(self):
        return [what for kind, what in self.server.seen if kind == "message"]

    def test_texts(self):
        self.assertEqual(self.talk(["one", "zwölf", ""]), (0, ["one", "zwölf", ""], []))
        self.assertEqual(self.messages(), ["one", "zwölf", ""])
        until(lambda: ("close", 1000) in self.server.seen)

    # The end of stdin does not end it before the server has: the wait is longer than the test.
    def test_wait(self):
        done = subprocess.run([BINARY, "connect", self.server.url, "--wait", "600"], input="a\nclose 1000\n", capture_output=True,
                              text=True, timeout=60, check=False)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "a\n", ""))

    def test_bytes(self):
        self.assertEqual(self.talk(["00 ff", "7E:7e"], "--binary-hex"), (0, ["00ff", "7e7e"], []))
        self.assertEqual(self.messages(), [b"\0\xff", b"~~"])

    def test_layouts(self):
        layout = ["--layout", "= code:H rest:bytes", "--byte-order", "big"]
        code, out, log = self.talk(['{"code": 2, "rest": "6f6b"}', "code=3 rest="], *layout)
        self.assertEqual((code, out, log), (0, ['{"reply":"value","data":{"code":2,"rest":"6f6b"}}',
                                                '{"reply":"value","data":{"code":3,"rest":""}}'], []))
        place = self.enterContext(tempfile.TemporaryDirectory())
        code, out, log = self.talk(["buy amount=2", 'say {"text": "a b"}'], "-c", write_config(FEED, place))
        self.assertEqual((code, log), (0, []))
        self.assertEqual(out, ['{"reply":"order","data":{"op":1,"amount":2}}', '{"reply":"said","data":{"op":"say","text":"a b"}}'])

    def test_bad_lines(self):
        process = self.start("--binary-hex", "--wait", "0")
        out, log = process.communicate("0\n", timeout=30)
        self.assertEqual((process.returncode, out), (Exit.DATA, ""))
        self.assertEqual(log, "duplexd: line 1 is not sent: it is not hex digits\n")
        done = subprocess.run([BINARY, "connect", self.server.url, "--wait", "0"], input=b"\xff\n", capture_output=True, timeout=30,
                              check=False)
        self.assertEqual(done.returncode, Exit.DATA)
        self.assertIn(b"line 1 is not sent: it is not UTF-8", done.stderr)
        self.assertEqual(self.messages(), [])

    def test_handshake(self):
        os.environ["CONNECT_TOKEN"] = "s3cret"
        self.addCleanup(os.environ.pop, "CONNECT_TOKEN")
        code, _, log = self.talk(["x"], "--header", "X-Token: ${env:CONNECT_TOKEN}", "--header", "X-More:1", "--subprotocol", "first",
                                 "--subprotocol", "second", "--verbose")
        self.assertEqual(code, 0)
        headers = self.server.seen[0][1]
        self.assertEqual((headers["X-Token"], headers["X-More"]), ("s3cret", "1"))
        self.assertIn("* connected, subprotocol second", log)
        self.assertNotIn("s3cret", "".join(log))

    def test_verbose(self):
        process = self.start("--verbose")
        log = Lines(process.stderr)
        log.wait(lambda line: line.startswith("* ping "))
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(30), 0)
        self.assertIn("* closed with code 1000", "\n".join(log.join()))
        until(lambda: ("close", 1000) in self.server.seen)

    def test_ends(self):
        code, out, log = self.talk(["close 1008"])
        self.assertEqual((code, out), (Exit.FATAL_FAULT, []))
        self.assertRegex(log[0], r"^duplexd: closed: .*1008, enough")
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        done = run_to_end("connect", f"ws://127.0.0.1:{port}/")
        self.assertEqual(done.returncode, Exit.FATAL_FAULT)
        self.assertRegex(done.stderr, "^duplexd: connect: .*refused")
        with RawServer(lambda connection, _: connection.refuse(b"401 Unauthorized", b"no"), tls=False) as server:
            self.assertEqual(run_to_end("connect", server.url).returncode, Exit.LOGIN_REJECTED)
        for arguments in (["http://h/"], [self.server.url, "--header", "none"], ["ws://h/${env:NO_SUCH_VARIABLE_HERE}"], []):
            done = run_to_end("connect", *arguments)
            self.assertEqual((done.returncode, done.stdout), (Exit.USAGE, ""), done.stderr)

    def test_tls(self):
        def serve(connection, _):
            connection.accept()
            connection.read_close()

        with RawServer(serve) as server:
            self.assertEqual(run_to_end("connect", server.url).returncode, Exit.FATAL_FAULT)
            for options in (["--ca-file", certificates().ca], ["--insecure"]):
                done = run_to_end("connect", server.url, "--wait", "0", "--verbose", *options)
                self.assertIn("* connected", done.stderr)

    def test_closed_stdout(self):
        read, write = os.pipe()
        process = self.start(stdout=write, stderr=subprocess.DEVNULL)
        os.close(write)
        os.close(read)
        self.assertEqual(process.wait(30), Exit.OUTPUT_CLOSED)

    # Typed on a terminal: prompts, marks, a table of bytes, and Ctrl-C.
    def test_terminal(self):
        process, terminal = pty.fork()
        if process == 0:
            os.execv(BINARY, [BINARY, "connect", self.server.url])
        seen = ""

        def wait_for(pattern):
            nonlocal seen
            while not re.search(pattern, seen):
                seen += os.read(terminal, 4096).decode()

        wait_for(r"> ")
        os.write(terminal, b"hi\n")
        wait_for(r"< hi\r\n> ")
        os.write(terminal, b"binary\n")
        wait_for(r"< 3 bytes\r\n  00000000  00 7f 7e +\|\.\.~\|\r\n")
        os.write(terminal, b"\x1b[2J\n")
        wait_for(r"< \\x1b\[2J|< \\u001b\[2J")
        os.write(terminal, b"\x03")
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), 0)
        os.close(terminal)
        until(lambda: ("close", 1000) in self.server.seen)


if __name__ == "__main__":
    unittest.main()
