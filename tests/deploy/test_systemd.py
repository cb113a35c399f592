"""The unit of one node."""

import configparser
import pathlib
import tempfile
import unittest

from programs import DEPLOY, run

UNIT = DEPLOY / "systemd" / "madang.service"

# Of 100, where systemd calls 20 to 50 medium and less than 20 fine.
EXPOSURE_MAX = 15


class Systemd(unittest.TestCase):
    def unit(self):
        """The unit, with a program that is there."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        copy = pathlib.Path(folder.name) / UNIT.name
        copy.write_text(UNIT.read_text().replace("/usr/local/bin/madang", "/bin/true"))
        return copy

    def test_systemd_reads_the_unit_without_a_complaint(self):
        self.assertEqual(run("systemd-analyze", "verify", self.unit()), "")

    def test_the_unit_is_shut_off_from_the_system_it_runs_on(self):
        threshold = f"--threshold={EXPOSURE_MAX}"
        run("systemd-analyze", "security", "--offline=true", threshold, self.unit())

    def test_the_service_has_longer_to_stop_than_it_gives_clients(self):
        parser = configparser.RawConfigParser(strict=False, empty_lines_in_values=False)
        parser.optionxform = str
        parser.read_string(UNIT.read_text())
        service = parser["Service"]
        drain = [
            line.rpartition("=")[2] for line in UNIT.read_text().splitlines()
            if line.startswith("Environment=MADANG_SERVER__DRAIN_SECONDS=")
        ]
        self.assertGreater(int(service["TimeoutStopSec"]), int(drain[0]) + 5)
