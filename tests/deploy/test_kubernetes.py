"""The chart and the manifests that are made of it."""

import re
import tempfile
import tomllib
import unittest

import yaml

from programs import BIN, CHART, DEPLOY, RENDERED, helm, render, run
from rendered import manifest

# The oldest version that the chart says it is for, and the newest that the validator knows.
VERSIONS = ["1.30", "1.37"]


def objects(*arguments, kind):
    found = yaml.safe_load_all(render(*arguments))
    return [one for one in found if one and one["kind"] == kind]


class Kubernetes(unittest.TestCase):
    def test_helm_finds_nothing_to_complain_of_in_the_chart(self):
        for arguments in RENDERED.values():
            run(helm(), "lint", "--strict", CHART, *arguments)

    def test_every_manifest_is_one_of_the_versions_that_the_chart_is_for(self):
        with_ingress = ["--set", "ingress.enabled=true,ingress.tlsSecret=chat,ingress.className=nginx"]
        for arguments in RENDERED.values():
            with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
                file.write(render(*arguments, *with_ingress))
                file.flush()
                for version in VERSIONS:
                    run(BIN / "kubernetes-validate", "--strict", "-k", version, file.name)

    def test_what_is_in_deploy_kubernetes_is_what_the_chart_makes(self):
        for shape in RENDERED:
            kept = (DEPLOY / "kubernetes" / f"{shape}.yaml").read_text()
            self.assertEqual(kept, manifest(shape), "scripts/check-deploy --render")

    def test_a_pod_has_longer_to_end_than_its_node_gives_clients(self):
        for drain in [0, 30, 600]:
            for pod in objects("--set", f"drainSeconds={drain}", kind="Deployment"):
                spec = pod["spec"]["template"]["spec"]
                stop = spec["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
                self.assertGreater(spec["terminationGracePeriodSeconds"], stop + drain)
            [config] = objects("--set", f"drainSeconds={drain}", kind="ConfigMap")
            options = tomllib.loads(config["data"]["madang.toml"])
            self.assertEqual(options["server"]["drain_seconds"], drain)

    def test_no_manifest_holds_a_secret_or_makes_one(self):
        for arguments in RENDERED.values():
            self.assertEqual(objects(*arguments, kind="Secret"), [])
            for pod in objects(*arguments, kind="Deployment"):
                [container] = pod["spec"]["template"]["spec"]["containers"]
                self.assertNotIn("env", container)
                self.assertEqual(container["envFrom"], [{"secretRef": {"name": "madang"}}])
            self.assertIsNone(re.search(r"(?i)password|://[^ /]*@", render(*arguments)))

    def test_every_pod_is_behind_a_service_a_budget_and_the_network_policy(self):
        for arguments in RENDERED.values():
            pods = objects(*arguments, kind="Deployment")
            labels = [pod["spec"]["template"]["metadata"]["labels"].items() for pod in pods]
            [policy] = objects(*arguments, kind="NetworkPolicy")
            self.assertEqual(set(policy["spec"]["policyTypes"]), {"Ingress", "Egress"})
            chosen = policy["spec"]["podSelector"]["matchLabels"].items()
            self.assertTrue(all(chosen <= label for label in labels))
            for kind in ["Service", "PodDisruptionBudget"]:
                selectors = [one["spec"]["selector"] for one in objects(*arguments, kind=kind)]
                selectors = [one.get("matchLabels", one).items() for one in selectors]
                for label in labels:
                    self.assertEqual(sum(one <= label for one in selectors), 1, kind)

    def test_the_shapes_have_the_nodes_that_they_are_named_for(self):
        def nodes(arguments):
            pods = objects(*arguments, kind="Deployment")
            roles = [pod["spec"]["template"]["spec"]["containers"][0]["args"][2:] for pod in pods]
            return sorted(zip(roles, [pod["spec"]["replicas"] for pod in pods]))

        self.assertEqual(nodes(RENDERED["cluster"]), [([], 3)])
        self.assertEqual(nodes(RENDERED["roles"]), [(["--role=api"], 2), (["--role=gateway"], 2)])

    def test_values_that_make_no_sense_are_refused(self):
        for wrong in ["secret=", "components.node.roles={admin}", "components.node.replicas=0", "drainSeconds=-1"]:
            with self.assertRaises(AssertionError, msg=wrong):
                render("--set", wrong)
