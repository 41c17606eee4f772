"""The same programs written with asyncio and as scripts: the notes that both leave are compared.

Where a word of ours means something else than asyncio's, both results are written down (`Differences`), and the table in
docs/cookbook.md says why.
"""

import asyncio
import json
import logging
import unittest

import yaml
from support.daemon import Daemon
from support.raw_server import CLOSE, RawServer, close_frame

UNIT = 0.2  # seconds; the scripts have milliseconds


logging.getLogger("asyncio").setLevel(logging.CRITICAL)  # exceptions that nobody retrieves are part of it


def nap(units):
    return asyncio.sleep(units * UNIT)


async def say(note, units, text):
    await nap(units)
    note(text)
    return text


async def fail(units, why="oh"):
    await nap(units)
    raise RuntimeError(why)


def in_asyncio(main):
    """The notes of a program, and `raised` if it ended by an exception."""
    notes = []

    async def run():
        try:
            await main(notes.append)
        except Exception:  # pylint: disable=broad-except
            notes.append("raised")

    asyncio.run(run())
    return notes


def in_duplexd(script):
    """The same of a script: its notes are JSON texts."""
    notes = []

    def serve(connection, _):
        connection.accept()
        while True:
            opcode, payload = connection.read_message()
            if opcode == CLOSE:
                connection.send(close_frame())
                return
            notes.append(json.loads(payload))

    protocol = {"commands": {"unused": {"frame": "text", "layout": "text:str"}},
                "replies": [{"as": "any", "when": {"frame": "text"}, "frame": "text", "layout": "text:str"}]}
    with RawServer(serve, tls=False) as server:
        session = {"url": server.url, "protocol": protocol, "script": yaml.safe_load(script), "outputs": ["stdout"]}
        with Daemon({"version": 1, "sessions": {"s": session}}, "--once") as daemon:
            code = daemon.wait(30)
    if code != 0:
        notes.append("raised")
    return notes


class TheSame(unittest.TestCase):
    def compare(self, main, script, expected):
        self.assertEqual(in_asyncio(main), expected)
        self.assertEqual(in_duplexd(script), expected)

    # create_task: it runs beside what follows, and need not be awaited.
    def test_create_task(self):
        async def main(note):
            task = asyncio.create_task(say(note, 1, "task"))
            await say(note, 0.5, "main")
            await say(note, 1, "end")
            await task

        self.compare(main, """
            - {spawn: t, do: [{sleep: 200ms}, {json: task}]}
            - {sleep: 100ms}
            - {json: main}
            - {sleep: 200ms}
            - {json: end}
        """, ["main", "task", "end"])

    # gather: everything at once, the results in the order of the arguments.
    def test_gather(self):
        async def main(note):
            note(await asyncio.gather(say(note, 2, "a"), say(note, 1, "b")))

        self.compare(main, """
            - gather:
                - [{sleep: 400ms}, {json: a}, {exec: [/bin/echo, '"a"']}]
                - [{sleep: 200ms}, {json: b}, {exec: [/bin/echo, '"b"']}]
              save: {all: "*"}
            - {json: "${var:all}"}
        """, ["b", "a", ["a", "b"]])

    # gather: after an exception the others go on.
    def test_gather_continues(self):
        async def main(note):
            try:
                await asyncio.gather(fail(1), say(note, 2, "other"), fail(3, "ah"))
            except RuntimeError as error:
                note(f"caught {error}")
            await say(note, 4, "end")

        self.compare(main, """
            - gather: [[{sleep: 200ms}, {fail: oh}], [{sleep: 400ms}, {json: other}], [{sleep: 600ms}, {fail: ah}]]
              others: continue
              on_fault: [{json: "caught ${fault:text}"}]
            - {sleep: 800ms}
            - {json: end}
        """, ["caught oh", "other", "end"])

    # gather, cancelled: so are all its children.
    def test_gather_cancelled(self):
        async def main(note):
            try:
                await asyncio.wait_for(asyncio.gather(say(note, 1, "a"), say(note, 3, "b")), 2 * UNIT)
            except TimeoutError:
                note("timeout")
            await say(note, 2, "end")

        self.compare(main, """
            - gather: [[{sleep: 200ms}, {json: a}], [{sleep: 600ms}, {json: b}]]
              others: continue
              timeout: 400ms
              on_fault: [{json: timeout}]
            - {sleep: 400ms}
            - {json: end}
        """, ["a", "timeout", "end"])

    # TaskGroup: the first exception cancels the others, and their cleanup is carried out before it is raised.
    def test_task_group(self):
        async def cleaned(note):
            try:
                await say(note, 3, "late")
            finally:
                note("cleanup")

        async def main(note):
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(fail(1))
                    group.create_task(cleaned(note))
            except* RuntimeError:
                note("caught")
            await say(note, 4, "end")

        self.compare(main, """
            - gather:
                - [{sleep: 200ms}, {fail: oh}]
                - {repeat: 1, do: [{sleep: 600ms}, {json: late}], finally: [{json: cleanup}]}
              on_fault: [{json: caught}]
            - {sleep: 800ms}
            - {json: end}
        """, ["cleanup", "caught", "end"])

    # wait(FIRST_COMPLETED): the others go on.
    def test_wait_first(self):
        async def main(note):
            tasks = [asyncio.create_task(say(note, n, name)) for n, name in ((2, "slow"), (1, "quick"))]
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            note([task.done() for task in tasks])
            await asyncio.wait(tasks)
            note([task.done() for task in tasks])

        self.compare(main, """
            - {spawn: slow, do: [{sleep: 400ms}, {json: slow}]}
            - {spawn: quick, do: [{sleep: 200ms}, {json: quick}]}
            - {wait: [slow, quick], until: first, save: {a: 0.done, b: 1.done}}
            - {json: ["${var:a}", "${var:b}"]}
            - {wait: [slow, quick], save: {a: 0.done, b: 1.done}}
            - {json: ["${var:a}", "${var:b}"]}
        """, ["quick", [False, True], "slow", [True, True]])

    # wait(FIRST_EXCEPTION): an exception is a result.
    def test_wait_first_exception(self):
        async def main(note):
            tasks = [asyncio.create_task(each) for each in (say(note, 1, "a"), fail(2), say(note, 3, "b"))]
            await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
            note([task.done() for task in tasks])
            note(str(tasks[1].exception()))
            await say(note, 2, "end")

        self.compare(main, """
            - wait: [[{sleep: 200ms}, {json: a}], [{sleep: 400ms}, {fail: oh}], [{sleep: 600ms}, {json: b}]]
              until: first_error
              save: {a: 0.done, f: 1.done, b: 2.done, why: 1.fault}
            - {json: ["${var:a}", "${var:f}", "${var:b}"]}
            - {if: {why: {$starts: oh}}, then: [{json: oh}]}
            - {sleep: 400ms}
            - {json: end}
        """, ["a", [True, True, False], "oh", "b", "end"])

    # wait, given up: what it waits for goes on.
    def test_wait_cancelled(self):
        async def main(note):
            task = asyncio.create_task(say(note, 2, "task"))
            waiting = asyncio.create_task(asyncio.wait([task]))
            await nap(1)
            waiting.cancel()
            await say(note, 2, "end")

        self.compare(main, """
            - {spawn: t, do: [{sleep: 400ms}, {json: task}]}
            - {spawn: waiting, do: [{wait: [t]}]}
            - {sleep: 200ms}
            - {cancel: waiting}
            - {sleep: 400ms}
            - {json: end}
        """, ["task", "end"])

    # wait_for: the work is cancelled and cleans up before TimeoutError is raised.
    def test_wait_for(self):
        async def work(note):
            try:
                await say(note, 5, "late")
            finally:
                await say(note, 0.5, "cleanup")

        async def main(note):
            try:
                await asyncio.wait_for(work(note), UNIT)
            except TimeoutError:
                note("timeout")
            note("end")

        self.compare(main, """
            - repeat: 1
              do:
                - {repeat: 1, do: [{sleep: 1s}, {json: late}], finally: [{sleep: 100ms}, {json: cleanup}]}
              timeout: 200ms
              on_fault: [{json: timeout}]
            - {json: end}
        """, ["cleanup", "timeout", "end"])

    # try, except, finally, inside each other.
    def test_try(self):
        async def main(note):
            try:
                try:
                    await fail(0.5, "inner")
                except RuntimeError as error:
                    note(f"caught {error}")
                    raise RuntimeError("outer") from error
                finally:
                    note("inner finally")
            except RuntimeError as error:
                note(f"caught {error}")
            finally:
                note("outer finally")
            await fail(0.5)

        self.compare(main, """
            - gather:
                - gather: [[{sleep: 100ms}, {fail: inner}]]
                  on_fault: [{json: "caught ${fault:text}"}, {fail: outer}]
                  finally: [{json: inner finally}]
              on_fault: [{json: "caught ${fault:text}"}]
              finally: [{json: outer finally}]
            - {sleep: 100ms}
            - {fail: oh}
        """, ["caught inner", "inner finally", "caught outer", "outer finally", "raised"])

    # task.cancel(), and await its end: its cleanup has been carried out.
    def test_cancel(self):
        async def work(note):
            try:
                await say(note, 9, "late")
            finally:
                await say(note, 0.5, "cleanup")

        async def main(note):
            task = asyncio.create_task(work(note))
            await nap(1)
            task.cancel()
            try:
                await task
            except asyncio.CancelledError:
                note("cancelled")

        self.compare(main, """
            - {spawn: t, do: [{sleep: 1800ms}, {json: late}], finally: [{sleep: 100ms}, {json: cleanup}]}
            - {sleep: 200ms}
            - {cancel: t}
            - {json: cancelled}
        """, ["cleanup", "cancelled"])

    # A task's exception is kept for whoever asks for it later.
    def test_exception_later(self):
        async def main(note):
            task = asyncio.create_task(fail(1))
            await say(note, 2, "main")
            await asyncio.wait([task])
            note(str(task.exception()))

        self.compare(main, """
            - {spawn: t, on_fault: keep, do: [{sleep: 200ms}, {fail: oh}]}
            - {sleep: 400ms}
            - {json: main}
            - {wait: [t], save: {why: 0.fault}}
            - {if: {why: {$starts: oh}}, then: [{json: oh}]}
        """, ["main", "oh"])

    # while True with a schedule: a long round shifts nothing.
    def test_every(self):
        async def main(note):
            start = asyncio.get_running_loop().time()

            async def ticking():
                for n in (1, 2, 4):
                    await asyncio.sleep(start + 2 * n * UNIT - asyncio.get_running_loop().time())
                    note(f"tick {n}")
                    if n == 2:
                        await nap(3)

            task = asyncio.create_task(ticking())
            await say(note, 7.5, "before the fourth")
            await task

        self.compare(main, """
            - spawn: ticking
              do:
                - every: 400ms
                  do: [{set: {n: "${counter:n}"}}, {if: {n: 1}, then: [{json: tick 1}]},
                       {if: {n: 2}, then: [{json: tick 2}, {sleep: 600ms}]}, {if: {n: 3}, then: [{json: tick 4}]}]
            - {sleep: 1500ms}
            - {json: before the fourth}
            - {sleep: 300ms}
        """, ["tick 1", "tick 2", "before the fourth", "tick 4"])


class Differences(unittest.TestCase):
    def compare(self, main, script, in_python, here):
        self.assertEqual(in_asyncio(main), in_python)
        self.assertEqual(in_duplexd(script), here)

    # A task begins in create_task's place; asyncio's at the next await (unless its factory is eager).
    def test_first_steps(self):
        async def main(note):
            task = asyncio.create_task(say(note, 0, "task"))
            note("main")
            await task

        self.compare(main, "[{spawn: t, do: [{json: task}]}, {json: main}, {wait: [t]}]", ["main", "task"], ["task", "main"])

    # An exception of a task for which nobody waits is forgotten by asyncio; here it ends the connection unless told otherwise.
    def test_unawaited(self):
        async def main(note):
            task = asyncio.create_task(fail(1))
            await say(note, 2, "end")
            del task

        script = "[{spawn: t, ON_FAULT do: [{sleep: 200ms}, {fail: oh}]}, {sleep: 400ms}, {json: end}]"
        self.compare(main, script.replace("ON_FAULT", ""), ["end"], ["raised"])
        self.compare(main, script.replace("ON_FAULT", "on_fault: keep,"), ["end"], ["end"])

    # What the first of a race fails with is raised; asyncio leaves it with the task.
    def test_race(self):
        async def main(note):
            tasks = [asyncio.create_task(each) for each in (fail(1), say(note, 2, "slow"))]
            _, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in pending:
                task.cancel()
            note("end")

        self.compare(main, "[{race: [[{sleep: 200ms}, {fail: oh}], [{sleep: 400ms}, {json: slow}]]}, {json: end}]", ["end"],
                     ["raised"])

    # What a step with a timeout has started ends with it; asyncio's tasks go on.
    def test_timeout_of_tasks(self):
        async def work(note):
            task = asyncio.create_task(say(note, 2, "task"))
            await nap(9)
            del task

        async def main(note):
            try:
                await asyncio.wait_for(work(note), UNIT)
            except TimeoutError:
                note("timeout")
            await say(note, 3, "end")

        self.compare(main, """
            - {repeat: 1, do: [{spawn: t, do: [{sleep: 400ms}, {json: task}]}, {sleep: 1800ms}], timeout: 200ms,
               on_fault: [{json: timeout}]}
            - {sleep: 600ms}
            - {json: end}
        """, ["timeout", "task", "end"], ["timeout", "end"])


if __name__ == "__main__":
    unittest.main()
