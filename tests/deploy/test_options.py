"""What the files set is what the server knows."""

import pathlib
import re
import tempfile
import tomllib
import unittest

import yaml

from programs import DEPLOY, RENDERED, ROOT, render, run

REFERENCE = ROOT / "docs" / "reference" / "configuration.md"
VARIABLE = re.compile(r"MADANG_[A-Z0-9]+__[A-Z0-9_]+")
# Of the stores and presences between nodes: on their way into the reference.
EXPECTED = {"MADANG_STORE__URL", "MADANG_PRESENCE__URL"}

BINARY = ROOT / "target" / "debug" / "madang"


class Options(unittest.TestCase):
    def test_every_variable_is_one_of_the_reference(self):
        known = EXPECTED | set(VARIABLE.findall(REFERENCE.read_text()))
        files = [one for one in DEPLOY.rglob("*") if one.is_file() and "secrets" not in one.parts]
        for file in files:
            for variable in VARIABLE.findall(file.read_text()):
                self.assertIn(variable, known, file)

    @unittest.skipUnless(BINARY.exists(), "the server is not built")
    def test_the_server_takes_every_configuration_file(self):
        texts = [(DEPLOY / "systemd" / "madang.toml").read_text()]
        for arguments in RENDERED.values():
            made = yaml.safe_load_all(render(*arguments))
            texts += [one["data"]["madang.toml"] for one in made if one["kind"] == "ConfigMap"]
        for text in texts:
            tomllib.loads(text)
            with tempfile.TemporaryDirectory() as folder:
                file = pathlib.Path(folder) / "madang.toml"
                file.write_text(text)
                run(BINARY, "config", "check", "--config", file)
