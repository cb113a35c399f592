"""Writes deploy/kubernetes again."""

from programs import DEPLOY, RENDERED, render

HEAD = "# Made of deploy/helm/madang by scripts/check-deploy --render: change that instead.\n"


def manifest(shape):
    return HEAD + render(*RENDERED[shape])


if __name__ == "__main__":
    for name in RENDERED:
        (DEPLOY / "kubernetes" / f"{name}.yaml").write_text(manifest(name))
