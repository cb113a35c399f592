"""The compose files, the balancers and the image."""

import pathlib
import re
import subprocess
import tempfile
import unittest

import yaml

from programs import DEPLOY, run

SHAPES = ["cluster", "roles"]
FROM_SECRETS = re.compile(r"\./secrets/")


def composed(shape, secrets=None):
    """What Compose makes of a shape's file, with the secrets of another folder."""
    file = DEPLOY / shape / "compose.yaml"
    text = FROM_SECRETS.sub(f"{secrets}/", file.read_text())
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as copy:
        copy.write(text)
        copy.flush()
        project = ["--project-name", "madang", "--project-directory", file.parent]
        return yaml.safe_load(run("docker-compose", *project, "--file", copy.name, "config"))


def seconds(duration):
    minutes, rest = re.fullmatch(r"(?:(\d+)m)?(?:(\d+)s)?", duration).groups(default="0")
    return int(minutes) * 60 + int(rest)


class Compose(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.secrets = pathlib.Path(folder.name) / "secrets"

    def make_secrets(self, shape):
        run(DEPLOY / "make-secrets", shape, self.secrets)
        return {file.name: file.read_text() for file in self.secrets.iterdir()}

    def nodes(self):
        yield from composed("single")["services"].values()
        for shape in SHAPES:
            self.make_secrets(shape)
            services = composed(shape, self.secrets)["services"].values()
            yield from (one for one in services if one["image"].startswith("madang:"))

    def test_compose_reads_every_shape_and_it_has_the_nodes_that_it_is_named_for(self):
        replicas = {}
        for shape in SHAPES:
            self.make_secrets(shape)
            services = composed(shape, self.secrets)["services"]
            nodes = {name: one for name, one in services.items() if one["image"].startswith("madang:")}
            replicas[shape] = {name: one["deploy"]["replicas"] for name, one in nodes.items()}
        self.assertEqual(replicas, {"cluster": {"madang": 3}, "roles": {"api": 2, "gateway": 2}})
        self.assertEqual(list(composed("single")["services"]), ["madang"])

    def test_a_container_has_longer_to_stop_than_its_node_gives_clients(self):
        for node in self.nodes():
            drain = int(node["environment"]["MADANG_SERVER__DRAIN_SECONDS"])
            self.assertGreater(seconds(node["stop_grace_period"]), drain + 5)

    def test_a_node_may_write_nothing_but_its_data_and_has_no_capability(self):
        for node in self.nodes():
            self.assertTrue(node["read_only"])
            self.assertEqual(node["cap_drop"], ["ALL"])
            self.assertEqual(node["security_opt"], ["no-new-privileges:true"])
            self.assertNotIn("privileged", node)
            self.assertNotIn("user", node, "the image's")

    def test_databases_and_brokers_are_reached_by_nodes_only(self):
        for shape in SHAPES:
            self.make_secrets(shape)
            found = composed(shape, self.secrets)
            self.assertTrue(found["networks"]["back"]["internal"])
            for name, service in found["services"].items():
                if name == "balancer" or service["image"].startswith("madang:"):
                    continue
                self.assertEqual(list(service["networks"]), ["back"], name)
                self.assertNotIn("ports", service, name)

    def test_passwords_are_in_made_files_only_and_stay_when_they_are_made_again(self):
        for shape in SHAPES:
            made = self.make_secrets(shape)
            self.assertEqual(self.secrets.stat().st_mode & 0o777, 0o700)
            self.assertEqual((self.secrets / "madang.env").stat().st_mode & 0o777, 0o600)
            self.assertEqual(self.make_secrets(shape), made, "kept")
            text = (DEPLOY / shape / "compose.yaml").read_text()
            for number in re.findall(r"[0-9a-f]{64}", "".join(made.values())):
                self.assertNotIn(number, text)
            self.assertIsNone(re.search(r"://[^ /]*:[^ /]*@", text))
            ignored = ["git", "check-ignore", "--quiet", f"deploy/{shape}/secrets/madang.env"]
            self.assertEqual(subprocess.run(ignored, cwd=DEPLOY.parent).returncode, 0)
            for file in self.secrets.iterdir():
                file.unlink()

    def test_nodes_know_the_passwords_of_what_they_connect_to(self):
        made = self.make_secrets("cluster")
        self.assertIn(f"madang:{made['postgres_password']}@postgres", made["madang.env"])
        [redis] = re.findall("requirepass (.+)", made["redis.conf"])
        self.assertEqual(made["madang.env"].count(f":{redis}@redis"), 2)
        for file in self.secrets.iterdir():
            file.unlink()
        made = self.make_secrets("roles")
        self.assertIn(f"madang:{made['mariadb_password']}@mariadb", made["madang.env"])
        [nats] = re.findall('password: "(.+)"', made["nats.conf"])
        self.assertIn(f":{nats}@nats", made["madang.env"])

    def test_haproxy_reads_every_balancer(self):
        for shape in SHAPES:
            run("haproxy", "-c", "-q", "-f", DEPLOY / shape / "haproxy.cfg")

    def test_no_balancer_logs_a_query_which_may_hold_a_token(self):
        for shape in SHAPES:
            text = (DEPLOY / shape / "haproxy.cfg").read_text()
            self.assertNotIn("httplog", text)
            [written] = re.findall(r"^ +log-format (.+)$", text, re.MULTILINE)
            self.assertIsNone(re.search(r"%(\{\+Q\})?r\b|%HU|%HQ|%HPO|url|query", written), "the path alone")
            self.assertIn("%HP", written)

    def test_hadolint_finds_nothing_to_complain_of_in_the_image_which_does_not_run_as_root(self):
        file = DEPLOY / "Containerfile"
        run("hadolint", "--failure-threshold", "style", file)
        users = re.findall(r"^USER (.+)$", file.read_text(), re.MULTILINE)
        self.assertEqual(users, ["65532:65532"])
