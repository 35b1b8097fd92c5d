"""What `deploy/` holds for containers and clusters, as the tools that read it understand it."""

from __future__ import annotations

import functools
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import yaml
from cloudcoil.models.keda import v1alpha1 as keda
from cloudcoil.models.prometheus_operator import v1 as operator

REPOSITORY = Path(__file__).parents[2]
DEPLOY = REPOSITORY / "deploy"
KUBERNETES = DEPLOY / "kubernetes"
OVERLAYS = sorted(path.parent.name for path in KUBERNETES.glob("overlays/*/kustomization.yaml"))
DOCKERFILES = sorted((DEPLOY / "docker").glob("*.Dockerfile"))
VERSIONS = ("1.32.0", "1.37.0")
"""Of Kubernetes: the oldest that the manifests are for, and the newest that is known."""

CUSTOM = {
    "ScaledObject": keda.ScaledObject,
    "TriggerAuthentication": keda.TriggerAuthentication,
    "ServiceMonitor": operator.ServiceMonitor,
    "PrometheusRule": operator.PrometheusRule,
}


def tool(name: str) -> str:
    """A program that was installed beside the interpreter that runs the tests."""
    return str(Path(sys.executable).parent / name)


def run(*arguments: str | Path, **variables: str) -> str:
    """Runs a program, which must be content, and returns what it says."""
    result = subprocess.run(
        [*map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **variables},
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def compose(folder: Path, *files: str) -> dict[str, Any]:
    """The model that Compose makes of files, in a copy of `deploy/` that has the examples of secrets filled in."""
    copy = folder / "deploy"
    if not copy.exists():
        shutil.copytree(DEPLOY, copy)
        for example in copy.glob("*.env.example"):
            example.rename(example.with_suffix(""))
    arguments = [part for file in files for part in ("--file", str(copy / file))]
    return json.loads(run(tool("docker-compose"), *arguments, "config", "--format", "json"))


@functools.cache
def overlay(name: str) -> list[dict[str, Any]]:
    """Every object of an overlay, as Kustomize builds it."""
    return list(yaml.safe_load_all(run(tool("kubectl"), "kustomize", KUBERNETES / "overlays" / name)))


def of_kind(objects: list[dict[str, Any]], *kinds: str) -> list[dict[str, Any]]:
    """Those of some kinds."""
    return [one for one in objects if one["kind"] in kinds]


def workloads(objects: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """What runs pods, by its name."""
    return {one["metadata"]["name"]: one for one in of_kind(objects, "Deployment", "StatefulSet")}


def pod(workload: dict[str, Any]) -> dict[str, Any]:
    """What a workload says of its pods."""
    return workload["spec"]["template"]["spec"]


def check(manifest: dict[str, Any]) -> None:
    """Compares an object with the schema of its kind; a key that the schema does not have is a fault."""
    model = CUSTOM.get(manifest["kind"])
    if model is None:
        for version in VERSIONS:
            kubernetes_validate.validate(manifest, version, strict=True)
        return
    kept = model.model_validate(manifest).model_dump(mode="json", by_alias=True, exclude_none=True)
    lost = [*_lost(manifest, kept, manifest["kind"])]
    assert lost == [], "not in the schema"


def _lost(given: Any, kept: Any, place: str) -> Iterator[str]:
    """Where something that was given was not kept; what was added by default is none of that."""
    if isinstance(given, dict) and isinstance(kept, dict):
        for name, value in given.items():
            yield from _lost(value, kept.get(name), f"{place}.{name}")
    elif isinstance(given, list) and isinstance(kept, list) and len(given) == len(kept):
        for index, (one, other) in enumerate(zip(given, kept, strict=True)):
            yield from _lost(one, other, f"{place}[{index}]")
    elif given != kept:
        yield place


def variables() -> Iterator[tuple[Path, str]]:
    """Every setting that a file of `deploy/` names by its variable."""
    for path in sorted(DEPLOY.rglob("*")):
        if path.is_file() and path.suffix not in {".json", ".py", ".pyc"}:
            for name in re.findall(r"\bANIMATO_[A-Z0-9_]+", path.read_text()):
                yield path, name


def values(manifest: Any, key: str) -> Iterator[Any]:
    """Every value that stands under a key, however deep."""
    if isinstance(manifest, dict):
        for name, value in manifest.items():
            if name == key:
                yield value
            yield from values(value, key)
    elif isinstance(manifest, list):
        for value in manifest:
            yield from values(value, key)
