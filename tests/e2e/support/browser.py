"""A headless Chromium, driven by its DevTools protocol over a pair of pipes: no driver and no library is needed."""

import contextlib
import fcntl
import itertools
import json
import os
import shutil
import subprocess
import tempfile
import threading

from .waiting import until

PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser")
MISSING = "there is no Chromium: Debian's package chromium has it"
OPTIONS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--no-proxy-server",
           "--disable-background-networking", "--disable-component-update", "--disable-extensions", "--disable-sync",
           "--mute-audio", "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1", "--remote-debugging-pipe")
KEYS = {"Tab": 9, "Enter": 13, " ": 32}


class Browser:
    """One process with one page. Use as a context manager."""

    def __init__(self):
        self._dir = tempfile.TemporaryDirectory(prefix="duplexd-browser-", ignore_cleanup_errors=True)
        theirs_in, ours_out = os.pipe()
        ours_in, theirs_out = os.pipe()
        # Chromium reads from 3 and writes to 4: descriptors that are not to lie there already.
        theirs = [fcntl.fcntl(each, fcntl.F_DUPFD, 10) for each in (theirs_in, theirs_out)]
        command = f'exec "$@" 3<&{theirs[0]} 4>&{theirs[1]} {theirs[0]}<&- {theirs[1]}>&-'
        self._process = subprocess.Popen(
            ["bash", "-c", command, "browser", PROGRAM, *OPTIONS, f"--user-data-dir={self._dir.name}"], pass_fds=theirs,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
            env=os.environ | {"HOME": self._dir.name})
        for each in (theirs_in, theirs_out, *theirs):
            os.close(each)
        self._out = os.fdopen(ours_out, "wb", buffering=0)
        self._in = os.fdopen(ours_in, "rb", buffering=0)
        self._numbers = itertools.count(1)
        self._answers = {}
        self._changed = threading.Condition()
        self._closed = False
        self.said = []  # events of the browser: exceptions of the page, lines of its console, what its policy refused
        threading.Thread(target=self._listen, daemon=True).start()
        target = self._ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "Accessibility"):
            self.ask(f"{domain}.enable")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            self._send({"id": 0, "method": "Browser.close"})
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, 9)
            self._process.wait()
        self._out.close()
        self._dir.cleanup()

    def _send(self, what):
        self._out.write(json.dumps(what).encode() + b"\0")

    def _listen(self):
        with self._in:
            rest = b""
            while piece := self._in.read(1 << 16):
                *whole, rest = (rest + piece).split(b"\0")
                for each in map(json.loads, whole):
                    with self._changed:
                        if "id" in each:
                            self._answers[each["id"]] = each
                        elif each["method"] in ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded"):
                            self.said.append(each)
                        self._changed.notify_all()
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _ask(self, method, session=None, **parameters):
        number = next(self._numbers)
        self._send({"id": number, "method": method, "params": parameters} | ({"sessionId": session} if session else {}))
        with self._changed:
            if not self._changed.wait_for(lambda: number in self._answers or self._closed, 60):
                raise AssertionError(f"the browser does not answer to {method}")
            answer = self._answers.pop(number, {"error": "the browser is gone"})
        if "error" in answer:
            raise AssertionError(f"{method}: {answer['error']}")
        return answer["result"]

    def ask(self, method, **parameters):
        """A command of the protocol, about the page."""
        return self._ask(method, self._session, **parameters)

    def visit(self, url):
        self.ask("Page.navigate", url=url)
        until(lambda: self.run("document.readyState") == "complete" and self.run("location.href") == url)

    def run(self, expression):
        """The value of a JavaScript expression in the page, of a promise when it is settled."""
        result = self.ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise AssertionError(f"{expression}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def text(self, selector):
        """What an element shows; nothing if it is hidden, or not there."""
        return self.run(f"document.querySelector({json.dumps(selector)})?.innerText ?? ''")

    def focused(self):
        """The id of the focused element, or its text."""
        return self.run("document.activeElement.id || document.activeElement.innerText")

    def press(self, key):
        text = {"Enter": "\r", " ": " "}.get(key, "")
        for kind in ("keyDown", "keyUp"):
            self.ask("Input.dispatchKeyEvent", type=kind, key=key, code=key if key != " " else "Space",
                     windowsVirtualKeyCode=KEYS[key], **({"text": text} if text and kind == "keyDown" else {}))

    def tab_to(self, wanted, most=60):
        """Presses Tab until the element of that id (or text) has the focus. Returns what had it on the way."""
        way = []
        for _ in range(most):
            self.press("Tab")
            way.append(self.focused())
            if way[-1] == wanted:
                return way
        raise AssertionError(f"Tab does not lead to {wanted}, but to {way}")

    def type(self, text):
        """Into the focused element, in place of what is there."""
        self.run("document.activeElement.select?.()")
        self.ask("Input.insertText", text=text)

    def click(self, selector):
        self.run(f"document.querySelector({json.dumps(selector)}).click()")

    def nodes(self):
        """The accessibility tree: (role, name) of what is not ignored."""
        tree = self.ask("Accessibility.getFullAXTree")["nodes"]
        return [(node.get("role", {}).get("value"), node.get("name", {}).get("value", ""))
                for node in tree if not node.get("ignored")]
