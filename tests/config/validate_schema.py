"""The JSON Schema that `duplexd schema` prints, judged by a validator that nobody here wrote.

Usage: validate_schema.py DUPLEXD EXAMPLES
Needs python3-jsonschema and python3-yaml: scripts/install test
"""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

try:
    import jsonschema
    import yaml
except ImportError as missing:
    sys.exit(f"validate_schema.py: {missing}: scripts/install test")

DUPLEXD, EXAMPLES = sys.argv[1], pathlib.Path(sys.argv[2])

# Right in every notation: the schema must not be stricter than the program.
GOOD = """
{sessions: {s: {url: wss://h/}}}
---
{version: 1, sessions: {s: {url: wss://h/, linger: 1m30s, limits: {message: 64KiB}, timeouts: {tls: 1.5s}, login: ~}}}
---
{defaults: {url: wss://h/}, sessions: {s: ~, t: {linger: 0}}}
---
templates: {t: {parameters: {n: 2.0, v: ~}, session: {url: 'wss://h/', reconnect: {factor: '${param:n}'}, tls: {verify: '${param:v}'},
  script: [{sleep: '${param:d}'}]}}}
sessions: {s: {template: t, with: {v: true}}}
---
{sessions: {s: {url: wss://h/, close: {code: 3000}, reconnect: {fatal: [tls]}, headers: {A: b}, outputs: []}}}
"""

# Wrong in ways that a schema can see: an editor underlines them, and `duplexd check` refuses them.
BAD = """
{}
---
{sessions: {s: {url: wss://h/, tsl: {}}}}
---
{sessions: {s: {url: 'http://h/'}}}
---
{sessions: {s: {url: wss://h/, linger: 5}}}
---
{sessions: {s: {url: wss://h/, linger: 5 s}}}
---
{sessions: {s: {url: wss://h/, tls: {verify: 'yes'}}}}
---
{sessions: {s: {url: wss://h/, limits: {message: 1.5}}}}
---
{sessions: {s: {url: wss://h/, reconnect: {factor: 0.5}}}}
---
{sessions: {s: {url: wss://h/, reconnect: {fatal: [nothing]}}}}
---
{sessions: {s: {url: wss://h/, close: {code: 1006}}}}
---
{sessions: {s: {url: wss://h/, script: [{}]}}}
---
{sessions: {s: {url: wss://h/, script: [{sleep: 1s, send: x}]}}}
---
{sessions: {s: {url: wss://h/, login: {where: {a: 1}, json: {}}}}}
---
{sessions: {s: {url: wss://h/, outputs: [5]}}}
---
{sessions: {'a b': {url: wss://h/}}}
---
{version: 2, sessions: {s: {url: wss://h/}}}
---
{templates: {t: {}}, sessions: {s: {url: wss://h/}}}
---
{templates: {t: {session: {tls: {verfy: true}}}}, sessions: {s: {url: wss://h/, template: t}}}
"""


class Loader(yaml.SafeLoader):
    """Only `true` and `false` are booleans, as in duplexd and YAML 1.2: `on` is a key."""


Loader.yaml_implicit_resolvers = {
    first: [(tag, text) for tag, text in resolvers if tag != "tag:yaml.org,2002:bool" or first in "tTfF"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()}


class Schema(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.schema = json.loads(subprocess.run([DUPLEXD, "schema"], check=True, capture_output=True).stdout)
        cls.validator = jsonschema.Draft202012Validator(cls.schema)

    def check(self, document):
        """The exit code of `duplexd check`."""
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(document, file)
            file.flush()
            return subprocess.run([DUPLEXD, "check", "--secrets-absent", "-c", file.name], capture_output=True).returncode

    # The schema is itself a good draft 2020-12 schema.
    def test_schema(self):
        jsonschema.Draft202012Validator.check_schema(self.schema)

    # All examples are right.
    def test_examples(self):
        files = [file for file in EXAMPLES.rglob("*") if file.suffix in (".yaml", ".json")]
        self.assertTrue(files)
        for file in files:
            with self.subTest(file.name):
                self.assertEqual([error.message for error in self.validator.iter_errors(yaml.load(file.read_text(), Loader))], [])

    # Schema and program agree on what is right …
    def test_good(self):
        for document in yaml.safe_load_all(GOOD):
            with self.subTest(str(document)):
                self.assertEqual([error.message for error in self.validator.iter_errors(document)], [])

    # … and on what is wrong.
    def test_bad(self):
        for document in yaml.safe_load_all(BAD):
            with self.subTest(str(document)):
                self.assertFalse(self.validator.is_valid(document))
                self.assertEqual(self.check(document), 78)

    # What is right for the schema is right for the program, but for names that only the program looks up.
    def test_good_checked(self):
        for document in yaml.safe_load_all(GOOD):
            if "templates" not in document:
                with self.subTest(str(document)):
                    self.assertEqual(self.check(document), 0)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
