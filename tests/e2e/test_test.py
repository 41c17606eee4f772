"""`duplexd test`: the page's example, differences, and reports that other programs read."""

import re
import subprocess
import tempfile
import unittest
import xml.etree.ElementTree

from support.daemon import ROOT, Exit, run_to_end, write_config

PAGE = (ROOT / "docs/testing.md").read_text()
EXAMPLE = re.search(r"```yaml\n(.*?)```", PAGE, re.S)[1]

FEED = """
sessions:
  feed:
    url: ws://h/
    protocol:
      byte_order: big
      commands: {buy: 'op:B=1 amount:H', say: {json: {op: say, text: "?"}}}
      replies:
        - {as: trade, layout: 'kind:B=7 price:H name:str(2)'}
  plain: {url: 'ws://h/'}
"""


class Cases(unittest.TestCase):
    def setUp(self):
        self.place = self.enterContext(tempfile.TemporaryDirectory(prefix="duplexd-test-"))
        write_config(FEED, self.place, "feed.yaml")

    def run_cases(self, cases, *options, **fields):
        path = write_config({"config": "feed.yaml", "session": "feed"} | fields | {"cases": cases}, self.place, "feed.test.yaml")
        return run_to_end("test", path, *options)

    def assert_fails(self, case, *differences, **fields):
        done = self.run_cases([{"name": "x"} | case], **fields)
        self.assertEqual((done.returncode, done.stderr), (Exit.CASE_FAILED, ""))
        found = [line.strip() for line in done.stdout.splitlines() if line.startswith("    ")]
        self.assertEqual(found, list(differences))
        self.assertIn("feed.test.yaml: 0 passed, 1 failed\n", done.stdout)

    # docs/testing.md, to the letter.
    def test_page(self):
        text = EXAMPLE.replace("../config", str(ROOT / "config"))
        done = run_to_end("test", write_config(text, self.place, "example.yaml"))
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        self.assertTrue(done.stdout.endswith(": 5 passed, 0 failed\n"), done.stdout)
        self.assertEqual(done.stdout.count("ok     "), 5)

    def test_received(self):
        self.assert_fails({"receive": "0700026162", "events": [{"reply": "trade", "data": {"kind": 7, "price": 3, "x": 1}}]},
                          "events[0].data.price: expected 3, got 2",
                          "events[0].data.x: expected 1, got no such field",
                          'events[0].data.name: expected no such field, got "ab"')
        self.assert_fails({"receive": "0700026162", "events": []},
                          'events[0]: expected nothing, got {"reply":"trade","data":{"kind":7,"price":2,"name":"ab"}}')
        self.assert_fails({"receive": "0700026162", "events": [{"reply": "order"}]},
                          'events[0].reply: expected "order", got "trade"')
        self.assert_fails({"receive": [], "events": [{"reply": "trade"}]},
                          'events[0]: expected {"reply":"trade"}, got nothing')
        done = self.run_cases([{"name": "x", "receive": "07", "events": [{"reply": "trade"}]}])
        self.assertIn("got {\"reply\":\"trade\",\"error\":{", done.stdout)

    def test_sent(self):
        self.assert_fails({"send": "buy", "with": {"amount": 2}, "hex": "01 0003"},
                          "message: expected hex 010003, got hex 010002",
                          "packets[0].data.amount: expected 3, got 2")
        self.assert_fails({"send": "sell", "hex": "00"}, "no command is named sell")
        done = self.run_cases([{"name": "x", "send": "buy", "with": {"amount": 70000}, "hex": "00"}])
        self.assertEqual(done.returncode, Exit.CASE_FAILED)
        self.assertIn("buy: amount at byte 1: ", done.stdout)

    def test_sessions(self):
        case = {"send": "buy", "with": {"amount": 2}, "hex": "010002"}
        self.assertEqual(self.run_cases([{"name": "x"} | case]).returncode, 0)
        self.assert_fails({"session": "plain"} | case, "no command is named buy")
        self.assert_fails({"session": "other"} | case, "session: there is no session other; available: feed, plain")
        path = write_config({"config": "feed.yaml", "cases": [{"name": "x"} | case]}, self.place, "feed.test.yaml")
        self.assertIn("session: there are several; choose one of feed, plain\n", run_to_end("test", path).stdout)

    # What `run --record` wrote; the redacted line fits no layout.
    def test_capture(self):
        head = '{"v":1,"time":"2026-11-21T02:11:55.000120Z","session":"feed",'
        lines = [head + '"event":"opened"}',
                 head + '"event":"message","direction":"out","frame":"binary","hex":"010002","size":3}',
                 head + '"event":"message","direction":"in","frame":"binary","hex":"0700026162","size":5}',
                 head.replace("feed", "plain") + '"event":"message","direction":"in","frame":"binary","hex":"00","size":1}',
                 head + '"event":"message","direction":"in","frame":"text","text":"***","size":9,"redacted":true}',
                 head + '"event":"ended"}']
        write_config("\n".join(lines) + "\n", self.place, "day.jsonl")
        good = {"name": "x", "capture": "day.jsonl", "events": [{"reply": "trade", "where": {"name": "ab"}}]}
        done = self.run_cases([good])
        self.assertEqual(done.returncode, 0, done.stdout)
        done = self.run_cases([good | {"capture": "night.jsonl"}])
        self.assertEqual(done.returncode, Exit.CASE_FAILED)
        self.assertRegex(done.stdout, r"capture \S+/night.jsonl: ")

    def test_mistakes(self):
        done = self.run_cases([{"name": "x", "recieve": "00", "events": []}])
        self.assertEqual((done.returncode, done.stdout), (Exit.CONFIG, ""))
        self.assertRegex(done.stderr, r"feed.test.yaml:5:3: cases\[0\]: unknown field 'recieve' \(did you mean 'receive'\?\)")
        done = self.run_cases([{"name": "x", "send": "buy", "hex": "00"}], config="nothing.yaml")
        self.assertEqual(done.returncode, Exit.CONFIG)
        self.assertIn("nothing.yaml: the file cannot be read", done.stderr)
        self.assertEqual(run_to_end("test", f"{self.place}/none.yaml").returncode, Exit.CONFIG)
        self.assertEqual(run_to_end("test").returncode, Exit.USAGE)

    # Python reads the XML, Perl's prove the other.
    def test_reports(self):
        cases = [{"name": "good <&> # TODO", "send": "buy", "with": {"amount": 2}, "hex": "010002"},
                 {"name": "bad", "send": "buy", "with": {"amount": 2}, "hex": "010003"}]
        report = f"{self.place}/report.xml"
        done = self.run_cases(cases, "--tap", "--junit", report)
        self.assertEqual((done.returncode, done.stderr), (Exit.CASE_FAILED, ""))
        [suite] = xml.etree.ElementTree.parse(report).getroot()
        self.assertEqual((suite.get("tests"), suite.get("failures")), ("2", "1"))
        self.assertEqual([each.get("name") for each in suite], ["good <&> # TODO", "bad"])
        self.assertEqual([len(each) for each in suite], [0, 1])
        self.assertIn("packets[0].data.amount: expected 3, got 2", suite[1][0].text)
        tap = write_config(done.stdout, self.place, "tests.tap")
        told = subprocess.run(["prove", "--exec", "cat", tap], capture_output=True, text=True, check=False)
        self.assertEqual(told.returncode, 1)
        self.assertIn("Failed 1/2 subtests", told.stdout)
        self.assertNotIn("Parse errors", told.stdout)
        done = self.run_cases(cases[:1], "--junit", "/nowhere/x.xml")
        self.assertEqual(done.returncode, Exit.USAGE)
        self.assertIn("/nowhere/x.xml: the report cannot be written", done.stderr)


if __name__ == "__main__":
    unittest.main()
