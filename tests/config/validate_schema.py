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

NoneType = type(None)
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
---
{sessions: {s: {url: wss://h/, reconnect: {faults: [{on: [http, 'http:429', 'http:500-599', 'closed:4001', closed, tls]}]}}}}
---
{sessions: {s: {url: wss://h/, renew: {at: '1795000000'}}, t: {url: wss://h/, renew: {at: '2026-11-26T07:10:00Z'}},
            u: {url: wss://h/, renew: {at: '${env:EXPIRES}'}}, v: {url: wss://h/, renew: {at: '1.7e9'}}}}
---
{log: {level: error, sessions: {s: debug}}, sessions: {s: {url: wss://h/}}}
---
{sessions: {s: {url: wss://h/, protocol: {}}}}
---
protocols:
  p: {byte_order: big, json: compact, framing: {length: 'varint(4)', at: '0x0', add: -2, strip: true}, opcode: {type: '<u16', mask: 0xf0},
      limits: {count: 10, nesting: 200}, layouts: {head: 'a:B n:H', rest: ~}, commands: {c: head, e: ~, f: [head, 'x:i'],
      d: {json: [{a: 1}, b], when: {frame: text}}}, replies: [{as: r, when: {opcode: [1, 2], size: {min: 4}}, layout: {a: B},
      trailing: keep, description: 5}, {as: s, when: {json: {/a: 1}}}, {as: t, when: {slot: 3, is: [a, ~]}},
      {as: v, when: {cbor: /a, is: 1}}, {as: w, when: {msgpack: {/a: 1}}},
      {as: u, when: {starts: {hex: 0a0B}}, layout: 'x:bytes', examples: []}]}
  q: {framing: layouts, replies: [{as: r, when: {starts: a}, layout: 'x:B'}, {as: s, when: {after: r}, layout: 'x:H'},
      {as: t, when: {after: [r, t]}, layout: 'x:I'}]}
sessions: {s: {url: wss://h/, protocol: p}}
---
templates: {t: {parameters: [o], session: {url: 'wss://h/', protocol: {byte_order: '${param:o}'},
  script: [{if: {a: 1}, then: {repeat: '${param:n}', do: [{sleep: 1s}]}}]}}}
sessions: {s: {template: t, with: {o: big}}}
"""

# Wrong in ways that a schema can see: an editor underlines them, and `duplexd check` refuses them.
BAD = """
{}
---
{sessions: {s: {url: wss://h/, tsl: {}}}}
---
{log: {sessions: {s: loud}}, sessions: {s: {url: wss://h/}}}
---
{log: {sessions: [s]}, sessions: {s: {url: wss://h/}}}
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
{sessions: {}}
---
{sessions: {s: {url: wss://h/, reconnect: {faults: [{on: []}]}}}}
---
{sessions: {s: {url: wss://h/, reconnect: {faults: [{on: ['http:600']}]}}}}
---
{sessions: {s: {url: wss://h/, reconnect: {faults: [{on: ['closed:999']}]}}}}
---
{sessions: {s: {url: wss://h/, renew: {at: soon}}}}
---
{sessions: {s: {url: wss://h/, renew: {at: '2026-11-26'}}}}
---
{sessions: {s: {url: wss://h/, headers: {a b: c}}}}
---
{templates: {t: {}}, sessions: {s: {url: wss://h/}}}
---
{templates: {t: {session: {tls: {verfy: true}}}}, sessions: {s: {url: wss://h/, template: t}}}
"""

# The same of protocols.
BAD_PROTOCOLS = """
{byte_orders: big}
---
{byte_order: middle}
---
{json: pretty}
---
{limits: {count: -1}}
---
{limits: {nesting: 201}}
---
{framing: {at: 1}}
---
{framing: layout}
---
{replies: [{as: r, when: {after: []}, layout: 'x:B'}]}
---
{replies: [{as: r, when: {after: {r: 1}}, layout: 'x:B'}]}
---
{framing: {length: 'B H'}}
---
{framing: {length: f}}
---
{framing: {length: B, mode: chunk}}
---
{opcode: {at: 0}}
---
{opcode: {type: B, mask: 0}}
---
{layouts: {1a: 'x:B'}}
---
{layouts: {str: 'x:B'}}
---
{commands: [x]}
---
{commands: {c: {as: c, layout: 'x:B'}}}
---
{commands: {c: {layout: 'x:B', json: {a: 1}}}}
---
{commands: {c: {frame: binary, json: {a: 1}}}}
---
{commands: {c: {json: [5]}}}
---
{commands: {c: {layout: 'x:B', trailing: dorp}}}
---
{replies: [{layout: 'x:B'}]}
---
{replies: [{as: a b}]}
---
{replies: [{as: a, when: {sise: 5}}]}
---
{replies: [{as: a, when: {size: [1, 2]}}]}
---
{replies: [{as: a, when: {json: type}}]}
---
{replies: [{as: a, when: {is: 2}}]}
---
{replies: [{as: a, when: {json: /type, slot: 1}}]}
---
{replies: [{as: a, when: {cbor: /type, msgpack: /type}}]}
---
{replies: [{as: a, when: {msgpack: type}}]}
---
{replies: [{as: a, when: {protobuf: /a, json: /b}, layout: {protobuf: a.proto, message: A}}]}
---
{replies: [{as: a, layout: {protobuf: a.proto}}]}
---
{replies: [{as: a, layout: {protobuf: a.proto, message: A, int64: real}}]}
---
{replies: [{as: a, when: {starts: {hex: '0'}}}]}
---
{replies: [{as: a, layout: 'x:B', examples: [{hex: '01'}]}]}
---
{replies: [{as: a, layout: 'x:B', examples: [{hex: '0', values: {}}]}]}
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
        for document in yaml.load_all(GOOD, Loader):
            with self.subTest(str(document)):
                self.assertEqual([error.message for error in self.validator.iter_errors(document)], [])

    # … and on what is wrong.
    def test_bad(self):
        for document in yaml.load_all(BAD, Loader):
            with self.subTest(str(document)):
                self.assertFalse(self.validator.is_valid(document))
                self.assertEqual(self.check(document), 78)

    # … also in a protocol.
    def test_bad_protocols(self):
        for protocol in yaml.load_all(BAD_PROTOCOLS, Loader):
            with self.subTest(str(protocol)):
                for document in ({"sessions": {"s": {"url": "wss://h/", "protocol": protocol}}},
                                 {"sessions": {"s": {"url": "wss://h/"}}, "protocols": {"p": protocol}}):
                    self.assertFalse(self.validator.is_valid(document))
                    self.assertEqual(self.check(document), 78)

    # Validators that are strict compile it: one type for each value, which all its keywords suit, and what is required is known.
    def test_strict(self):
        suits = {"object": {"properties", "patternProperties", "additionalProperties", "propertyNames", "required",
                            "dependentRequired", "dependentSchemas", "minProperties", "maxProperties"},
                 "array": {"items", "minItems", "maxItems"}, "string": {"pattern", "minLength", "maxLength"},
                 "number": {"minimum", "maximum"}}
        suits["integer"] = suits["number"]

        def walk(schema, place, type):
            if not isinstance(schema, dict):
                return
            type = schema.get("type", type)
            self.assertIsInstance(type, (str, NoneType), place)
            for keyword in schema:
                fit = [each for each, keywords in suits.items() if keyword in keywords]
                self.assertTrue(not fit or type in fit, f"{place}: {keyword} of {type}")
            self.assertLessEqual(set(schema.get("required", [])), set(schema.get("properties", {})), place)
            for keyword, inner in schema.items():
                if keyword in ("properties", "patternProperties", "$defs", "dependentSchemas"):
                    for name, each in inner.items():
                        walk(each, f"{place}/{keyword}/{name}", type if keyword == "dependentSchemas" else None)
                elif keyword in ("anyOf", "oneOf", "allOf"):
                    for index, each in enumerate(inner):
                        walk(each, f"{place}/{keyword}/{index}", type)
                elif keyword in ("items", "additionalProperties", "propertyNames", "not"):
                    of = {"not": type, "propertyNames": "string"}.get(keyword)
                    walk(inner, f"{place}/{keyword}", of)

        walk(self.schema, "#", None)

    # What is right for the schema is right for the program, but for names that only the program looks up.
    def test_good_checked(self):
        for document in yaml.load_all(GOOD, Loader):
            if "templates" not in document:
                with self.subTest(str(document)):
                    self.assertEqual(self.check(document), 0)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
