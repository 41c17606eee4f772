"""What the servers of the cookbook's tests share: one JSON line for everything that they see."""

import json


def report(what, **fields):
    print(json.dumps({"what": what, **fields}), flush=True)
