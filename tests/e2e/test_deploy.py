"""docs/deploy: the manifests name subcommands, options, paths and addresses that exist, and what they configure is right."""

import pathlib
import re
import tempfile
import time
import unittest
import urllib.error
import urllib.request

import yaml

from support.config import config, listener
from support.daemon import ROOT, Daemon, run_to_end, write_config
from support.raw_server import RawServer

DEPLOY = ROOT / "docs/deploy"
DOCKERFILE = (ROOT / "Dockerfile").read_text()


def of_kind(kind):
    with (DEPLOY / "kubernetes.yaml").open() as file:
        return next(each for each in yaml.safe_load_all(file) if each["kind"] == kind)


class Deploy(unittest.TestCase):
    def assert_command(self, words):
        """A subcommand with options that its help has."""
        known = run_to_end("help", words[0])
        self.assertEqual(known.returncode, 0, known.stderr)
        for word in words[1:]:
            if word.startswith("-"):
                self.assertRegex(known.stdout, rf"(?m)^  (\S+,)?{re.escape(word)}[ ,]")

    def test_kubernetes(self):
        pod = of_kind("Deployment")["spec"]["template"]["spec"]
        [container] = pod["containers"]
        self.assert_command(container["args"])
        text = of_kind("ConfigMap")["data"]["duplexd.yaml"]
        settings = yaml.safe_load(text)
        port = {each["name"]: each["containerPort"] for each in container["ports"]}["health"]
        self.assertEqual(settings["health"]["listen"], f"0.0.0.0:{port}")
        mounts = {each["name"]: each["mountPath"] for each in container["volumeMounts"]}
        self.assertEqual(mounts.keys(), {each["name"] for each in pod["volumes"]})
        self.assertEqual(str(pathlib.Path(container["args"][2]).parent), mounts["config"])
        self.assertIn(f"${{file:{mounts['secrets']}/token}}", text)
        self.assertIn(f"USER {pod['securityContext']['runAsUser']}:{pod['securityContext']['runAsGroup']}", DOCKERFILE)
        self.assertGreater(pod["terminationGracePeriodSeconds"], int(settings["shutdown"]["limit"].rstrip("s")))
        with tempfile.TemporaryDirectory() as place:
            done = run_to_end("check", "--strict", "--secrets-absent", write_config(text, place))
        self.assertEqual(done.returncode, 0, done.stderr)

    # What the probes ask for, asked of a daemon.
    def test_probes(self):
        [container] = of_kind("Deployment")["spec"]["template"]["spec"]["containers"]

        def ask(address, probe):
            try:
                with urllib.request.urlopen(f"http://{address}{container[probe]['httpGet']['path']}", timeout=20) as answer:
                    return answer.status
            except urllib.error.HTTPError as error:
                return error.code

        with RawServer(lambda connection, _: connection.accept() or connection.hold(60)) as server:
            session = listener(server.url, login=None, simulate=None)
            with Daemon(config({"feed": session}, health={"listen": "127.0.0.1:0"})) as daemon:
                address = daemon.wait_log("health listens on").split()[-1]
                end = time.monotonic() + 30
                while ask(address, "readinessProbe") != 200:
                    self.assertLess(time.monotonic(), end)
                    time.sleep(0.05)
                self.assertEqual(ask(address, "livenessProbe"), 200)

    def test_compose(self):
        with (DEPLOY / "compose.yaml").open() as file:
            whole = yaml.safe_load(file)
        service = whole["services"]["duplexd"]
        self.assert_command(service["command"])
        self.assertIn(f"{service['command'][2]}:ro", "".join(service["volumes"]))
        self.assertEqual(set(service["secrets"]), whole["secrets"].keys())
        self.assertTrue((DEPLOY / service["build"]["context"] / "Dockerfile").is_file())
        check = service["healthcheck"]
        self.assertIn(f'--interval={check["interval"]} --timeout={check["timeout"]} --start-period={check["start_period"]} '
                      f'--retries={check["retries"]} CMD ["/usr/bin/duplexd", "health"]', DOCKERFILE)
        self.assert_command(check["test"][2:])


if __name__ == "__main__":
    unittest.main()
