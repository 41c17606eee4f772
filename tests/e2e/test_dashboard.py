"""The dashboard in a real Chromium: what an operator sees and does there."""

import http.client
import json
import pathlib
import threading
import unittest

from support import browser
from support.browser import Browser
from support.config import config, listener
from support.daemon import Daemon
from support.raw_server import TEXT, RawServer, close_frame, frame
from support.waiting import until

AXE = pathlib.Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"
TOKEN = "a-token-of-the-test"
VIEW_TOKEN = "one-that-views"
PAYLOAD = "<script>window.hacked=1</script><img src=x onerror=window.hacked=2>"
COMMANDS = {"ask": {"json": {"op": "ask", "id": None}},
            "move": {"frame": "binary", "layout": "code:i=7 place:Q on:? tag:bytes(2) list:B[2]"}}
PROTOCOL = {"json": "compact", "commands": COMMANDS,
            "replies": [{"as": "answer", "when": {"json": "/op", "is": "answer"}}]}
HUGE = (1 << 64) - 1
FLOOD = 5000


class Server:
    """Answers each question, number FLOOD with that many answers and a last one; keeps what it got.

    While it is not open it has no connections and refuses new ones.
    """

    def __init__(self):
        self.got = []
        self.open = threading.Event()
        self.open.set()

    def __call__(self, connection, _):
        if not self.open.is_set():
            connection.refuse(b"503 Service Unavailable", b"closed")
            return
        connection.accept()
        while self.open.is_set():
            if not connection.readable(0.05):
                continue
            opcode, payload = connection.read_message()
            self.got.append(payload)
            if opcode == TEXT:
                number = json.loads(payload)["id"]
                connection.send(self.answer(number) * (FLOOD if number == FLOOD else 1))
                if number == FLOOD:
                    connection.send(self.answer(FLOOD + 1))
        connection.abort()

    @staticmethod
    def answer(number):
        return frame(TEXT, json.dumps({"op": "answer", "id": number, "text": PAYLOAD}).encode())


class Page(unittest.TestCase):
    """Starts a daemon that listens on TCP, with a token."""

    def start(self, sessions):
        settings = config(sessions, control={"listen": "127.0.0.1:0", "token": TOKEN, "view_token": VIEW_TOKEN})
        self.daemon = self.enterContext(Daemon(settings))
        self.port = int(self.daemon.wait_log(r"control listens on 127\.0\.0\.1:").rpartition(":")[2])

    @staticmethod
    def feed(server, **more):
        return listener(server.url, protocol=PROTOCOL, login=None, simulate=None, commands={"ask": {"confirm": "answer"}}, **more)

    def nowhere(self, server, **more):
        """A session whose server is not there."""
        return self.feed(server, tls=None, **more) | {"url": "ws://127.0.0.1:1/"}

    def get(self, path, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("GET", path, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read().decode()
        finally:
            connection.close()


class Files(Page):
    # The page holds nothing secret, so it asks nobody for a token; what it shows does.
    def test_served_without_the_token(self):
        with RawServer(Server()) as server:
            self.start({"feed": self.feed(server)})
            status, headers, page = self.get("/")
            self.assertEqual((status, headers["Content-Type"]), (200, "text/html; charset=utf-8"))
            self.assertEqual((headers["X-Content-Type-Options"], headers["X-Frame-Options"]), ("nosniff", "DENY"))
            policy = headers["Content-Security-Policy"]
            for part in ("default-src 'none'", "script-src 'self';", "frame-ancestors 'none'", "form-action 'none'"):
                self.assertIn(part, policy)
            self.assertNotIn("unsafe", policy)
            self.assertNotIn("feed", page)
            folder = pathlib.Path(__file__).parents[2] / "daemon" / "control" / "dashboard"
            for file in folder.iterdir():
                text = file.read_text()
                path = "/" if file.name == "index.html" else f"/dashboard/{file.name}"
                self.assertEqual(self.get(path)[::2], (200, text), path)
                self.assertNotRegex(text, r"innerHTML|insertAdjacentHTML|document\.write|\beval\b|\bstyle=|\bon\w+=\"", path)
            for path in ("/dashboard", "/dashboard/", "/dashboard/x.js", "/dashboard/../control", "/index.html"):
                self.assertEqual(self.get(path)[0], 401, path)
            self.assertEqual(self.get("/api/v1/sessions")[0], 401)
            self.assertEqual(self.get("/", {"Host": "evil.test.com"})[0], 421)


@unittest.skipUnless(browser.PROGRAM, browser.MISSING)
class Dashboard(Page):
    def visit(self, sessions, token=TOKEN):
        self.start(sessions)
        self.browser = self.enterContext(Browser())
        self.browser.visit(f"http://127.0.0.1:{self.port}/")
        self.give(token)

    def give(self, token):
        until(lambda: self.browser.focused() == "token")
        self.browser.type(token)
        self.browser.press("Enter")

    def sees(self, selector, part):
        try:
            until(lambda: part in self.browser.text(selector), 30)
        except AssertionError:
            self.fail(f"{selector} does not show {part!r}: {self.browser.text('body')!r}; {self.browser.said}")

    def choose(self, name):
        self.sees("#session-rows", name)
        self.browser.run(f"[...document.querySelectorAll('.name')].find((b) => b.textContent === {json.dumps(name)}).click()")
        self.sees("#chosen-title", f"Session {name}")

    # A server dies and comes back: the page says why the session is down, when it connects again, and that it is up.
    def test_a_session_dies_and_comes_back(self):
        behaviour = Server()
        with RawServer(behaviour) as server:
            self.visit({"feed": self.feed(server, reconnect={"initial": "2s", "maximum": "2s", "jitter": "none"})})
            self.sees("#summary", "1 of 1 sessions up")
            self.sees("#session-rows", "up")
            self.choose("feed")
            self.sees("#session-rows", " days)")  # until its certificate expires
            self.sees("#chosen-state", "It is up.")
            self.sees("#plots", "Round trip in ms: ")
            behaviour.open.clear()
            self.sees("#summary", "0 of 1 sessions up")
            self.sees("#session-rows", "503")
            self.sees("#chosen-state", "It connects again in")
            behaviour.open.set()
            self.sees("#summary", "1 of 1 sessions up")
            self.sees("#chosen-state", "It is up.")
            self.assertNotIn("503", self.browser.text("#session-rows"))

    # Each field has an input; numbers of 64 bits arrive as they were written; what does not fit is refused in words.
    def test_a_command_from_its_form(self):
        behaviour = Server()
        with RawServer(behaviour) as server:
            self.visit({"feed": self.feed(server)})
            self.choose("feed")
            self.sees("#fields", "id (JSON, or else a text)")
            self.browser.run("document.querySelector('#field-0').focus()")
            self.browser.type(str(HUGE))
            self.browser.press("Enter")
            self.sees("#command-state", "ask: confirmed")
            self.sees("#command-answer", f'"id":{HUGE}')
            self.assertEqual(json.loads(behaviour.got[-1]), {"op": "ask", "id": HUGE})
            self.browser.run("(() => { const list = document.querySelector('#command'); list.value = 'move';"
                             "list.dispatchEvent(new Event('change')); })()")
            self.sees("#fields", "place (number)")
            self.assertNotIn("code", self.browser.text("#fields"))
            for name, value in enumerate((HUGE, None, "beef", "[1, 2]")):
                if value is not None:
                    self.browser.run(f"document.querySelector('#field-{name}').value = {json.dumps(str(value))}")
            self.browser.click("#send")
            self.sees("#command-state", "move: written")
            self.assertEqual(until(lambda: behaviour.got[1:]), [b"\7\0\0\0" + b"\xff" * 8 + b"\1\xbe\xef\1\2"])
            self.browser.run("document.querySelector('#field-2').value = 'xyz'")
            self.browser.click("#send")
            self.sees("#command-state", "refused")
            # A number that is none does not leave the page.
            self.browser.run("document.querySelector('#field-0').value = '1e'")
            self.browser.click("#send")
            self.assertEqual(self.browser.focused(), "field-0")
            self.assertEqual(len(behaviour.got), 2)

    def test_actions(self):
        with RawServer(Server()) as server:
            self.visit({"feed": self.feed(server)})
            self.sees("#summary", "1 of 1 sessions up")
            self.choose("feed")
            self.browser.click("[data-action=pause]")
            self.sees("#action-result", "pause: done")
            self.sees("#session-rows", "paused")
            self.browser.click("[data-action=resume]")
            self.sees("#session-rows", "up")
            self.browser.click("[data-action=reconnect]")
            self.sees("#action-result", "reconnect: done")
            until(lambda: server.accepted >= 3)
            self.browser.click("[data-action=drain]")
            self.sees("#session-rows", "paused")
            self.daemon.wait_log(r"drainSession feed by 127\.0\.0\.1")

    # Whoever may only view is not offered what the daemon would refuse.
    def test_a_viewer(self):
        with RawServer(Server()) as server:
            self.visit({"feed": self.feed(server)}, token=VIEW_TOKEN)
            self.choose("feed")
            self.sees("#chosen", "You may only view")
            self.sees("#chosen-state", "It is up.")
            self.sees("#counts", "connections")
            nodes = self.browser.nodes()
            for node in (("button", "Pause"), ("button", "Resume"), ("button", "Reconnect"), ("button", "Drain"), ("button", "Send"),
                         ("combobox", "Command")):
                self.assertNotIn(node, nodes)
            self.assertIn(("button", "Follow"), nodes)
            self.browser.click("#follow")
            self.sees("#events-state", "Following")
            self.assertFalse([line for line in self.daemon.log.all() if " by 127." in line])  # nothing was changed
            # The daemon decides, not the page.
            status = self.browser.run("fetch('api/v1/sessions/feed/pause', {method: 'POST', headers: {Authorization: "
                                      f"'Bearer {VIEW_TOKEN}'}}}}).then((r) => r.status)")
            self.assertEqual(status, 403)
            # With another token the same page offers all of it.
            self.browser.visit(f"http://127.0.0.1:{self.port}/")
            self.give(TOKEN)
            self.choose("feed")
            self.sees("#chosen", "Send a command")
            self.assertNotIn("You may only view", self.browser.text("#chosen"))
            self.browser.click("[data-action=pause]")
            self.sees("#action-result", "pause: done")

    # Events come as they happen, and a filter hides others. Whatever a server sends stays text.
    def test_events(self):
        with RawServer(Server()) as server:
            self.visit({"feed": self.feed(server)})
            self.sees("#summary", "1 of 1 sessions up")
            self.browser.click("#follow")
            self.sees("#events-state", "Following")

            def ask(number):
                self.browser.run(f"fetch('api/v1/sessions/feed/commands', {{method: 'POST', headers: {{Authorization: 'Bearer {TOKEN}'}},"
                                 f"body: JSON.stringify({{command: 'ask', with: {{id: {number}}}}})}}).then((r) => r.status)")

            until(lambda: (ask(1), self.browser.text("#events"))[1], 30)
            self.sees("#events", "feed reply answer")
            self.sees("#events", PAYLOAD)
            self.assertIsNone(self.browser.run("window.hacked ?? null"))
            self.assertEqual(self.browser.run("document.querySelectorAll('#events script, #events img').length"), 0)
            self.browser.run("document.querySelector('#event-text').focus()")
            self.browser.type('"ID":4711')
            until(lambda: self.browser.text("#events") == "")
            ask(4712)
            ask(4711)
            self.sees("#events", "4711")
            self.assertNotIn("4712", self.browser.text("#events"))
            # The daemon's own filter, which begins another stream.
            self.browser.run("document.querySelector('#event-text').value = ''")
            self.browser.run("(() => { const reply = document.querySelector('#event-reply'); reply.value = 'none';"
                             "reply.dispatchEvent(new Event('change')); })()")
            self.browser.click("#clear")
            self.sees("#events-count", "0 came")
            # More than is kept: the newest stay, and what is passed over is counted.
            self.browser.run("document.querySelector('#event-reply').value = ''")
            self.browser.run("document.querySelector('#event-reply').dispatchEvent(new Event('change'))")
            until(lambda: (ask(2), self.browser.text("#events"))[1], 30)
            ask(FLOOD)
            self.sees("#events", str(FLOOD + 1))
            self.sees("#events-count", "were passed over")
            self.assertLessEqual(self.browser.run("document.querySelectorAll('#events li').length"), 300)
            self.browser.click("#follow")
            self.sees("#events-state", "Not followed")

    # A server's reason for closing is text, too; and the policy keeps the page from making elements of texts.
    def test_the_policy(self):
        def close(connection, _):
            connection.accept()
            connection.send(close_frame(4000, PAYLOAD.encode()))

        with RawServer(close) as server:
            self.visit({"feed": self.feed(server)})
            self.sees("#session-rows", PAYLOAD)
            self.choose("feed")
            self.sees("#chosen-state", PAYLOAD)
            self.assertEqual(self.browser.run("document.querySelectorAll('main script, main img').length"), 0)
            refused = "(() => { try { document.body.innerHTML = '<b>x</b>'; return ''; } catch (e) { return e.name; } })()"
            self.assertEqual(self.browser.run(refused), "TypeError")
            self.assertFalse([each for each in self.browser.said if each["method"] == "Runtime.exceptionThrown"])
            self.assertIsNone(self.browser.run("window.hacked ?? null"))

    def test_a_wrong_token(self):
        with RawServer(Server()) as server:
            self.visit({"feed": self.feed(server)}, token="another")
            self.sees("#problem", "The daemon refuses this token")
            self.assertNotIn("feed", self.browser.text("body"))
            self.give(TOKEN)
            self.sees("#session-rows", "feed")
            self.assertEqual(self.browser.text("#problem"), "")
            stored = self.browser.run("JSON.stringify([localStorage, sessionStorage, document.cookie, location.href])")
            self.assertNotIn(TOKEN, stored)
            self.daemon.signal()
            self.daemon.wait()
            self.sees("#problem", "The daemon cannot be reached")

    # Everything can be reached and used without a mouse, in an order that follows the page, and has a name.
    def test_keyboard_and_names(self):
        with RawServer(Server()) as server:
            self.visit({"feed": self.feed(server)})
            self.sees("#session-rows", "feed")
            way = self.browser.tab_to("feed")
            self.assertLess(way.index("session-filter"), way.index("only-down"))
            self.browser.press("Enter")
            until(lambda: self.browser.focused() == "chosen-title")
            self.sees("#fields", "id")
            way = self.browser.tab_to("clear")
            wanted = ["Pause", "Resume", "Reconnect", "Drain", "command", "field-0", "send", "event-session", "event-reply",
                      "event-text", "follow", "clear"]
            self.assertEqual([each for each in way if each in wanted], wanted)
            self.assertEqual(self.browser.tab_to("events-box"), ["events-box"])
            controls = {"button", "textbox", "searchbox", "combobox", "checkbox", "img", "region", "log", "table", "form"}
            nodes = [node for node in self.browser.nodes() if node[0] in controls]
            self.assertFalse([node for node in nodes if not node[1] and node[0] != "table" and node[0] != "form"])
            for node in (("checkbox", "Only those that are not up"), ("searchbox", "Name contains"), ("button", "Pause"),
                         ("combobox", "Command"), ("log", "Events"), ("button", "Follow")):
                self.assertIn(node, nodes)

    @unittest.skipUnless(AXE.exists(), "axe-core is not installed: npm ci --prefix tests/e2e")
    def test_axe(self):
        with RawServer(Server()) as server:
            self.visit({"feed": self.feed(server), "down": self.nowhere(server)})
            self.choose("feed")
            self.sees("#fields", "id")
            self.sees("#session-rows", "refused")
            self.browser.click("#follow")
            self.browser.run(AXE.read_text() + "; 0")
            for scheme in ("light", "dark"):
                self.browser.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
                found = self.browser.run("axe.run(document, {resultTypes: ['violations']}).then((r) => JSON.stringify("
                                         "r.violations.map((v) => [v.id, v.nodes.map((n) => n.html + n.failureSummary)])))")
                self.assertEqual(json.loads(found), [], scheme)

    # With a thousand sessions the page holds a part of them, finds others, and leaves rows alone that have not changed.
    def test_a_thousand_sessions(self):
        with RawServer(Server()) as server:
            rare = {"initial": "1h", "maximum": "1h", "jitter": "none"}
            many = {f"s{number:04}": self.nowhere(server, reconnect=rare) for number in range(999)}
            self.visit({"feed": self.feed(server)} | many)
            self.sees("#summary", "1 of 1000 sessions up")
            self.assertEqual(self.browser.run("document.querySelectorAll('#session-rows tr').length"), 100)
            self.sees("#range", "1 to 100 of 1000")
            self.browser.click("#next")
            self.sees("#range", "101 to 200 of 1000")
            self.browser.click("#only-down")
            self.browser.run("document.querySelector('#session-filter').focus()")
            self.browser.type("s0998")
            self.sees("#range", "1 to 1 of 1")
            self.browser.type("FEED")
            self.sees("#range", "none")
            self.browser.type("")
            self.browser.click("#only-down")
            self.sees("#range", "of 1000")
            # All wait for an hour: from now on only the time until the next attempt changes, in rows that have one.
            self.browser.run("window.changed = new Set(); new MutationObserver((all) => all.forEach((each) => changed.add("
                             "(each.target.closest?.('td') ?? each.target.parentElement)?.cellIndex ?? 'rows'))).observe("
                             "document.querySelector('#session-rows'), {childList: true, subtree: true, characterData: true})")
            until(lambda: self.browser.run("changed.size"))
            self.assertLessEqual(set(self.browser.run("[...changed]")), {4, 5})


if __name__ == "__main__":
    unittest.main()
