"""The files that put a deployment together: images, Compose, Kubernetes, systemd. Nothing is started."""

from __future__ import annotations

import re
import runpy
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from manifests import (
    DEPLOY,
    DOCKERFILES,
    KUBERNETES,
    OVERLAYS,
    REPOSITORY,
    check,
    compose,
    of_kind,
    overlay,
    pod,
    run,
    tool,
    values,
    variables,
    workloads,
)

COMPOSE = [("compose.yaml",), ("compose.yaml", "compose.cpu.yaml")]
OURS = ("animato-api", "animato-worker")
SECRETS = {"animato-secrets", "redis-password", "animato-scale-key", "animato-tls"}
"""What docs/deployment.md has the operator make."""
UNITS = DEPLOY / "systemd"


def seconds(text: str) -> float:
    """A duration as Compose writes it."""
    units = {"h": 3600.0, "m": 60.0, "s": 1.0}
    return sum(float(number) * units[unit] for number, unit in re.findall(r"([\d.]+)([hms])", text))


# Images


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda path: path.name)
def test_hadolint_finds_nothing(dockerfile: Path) -> None:
    assert run(tool("hadolint"), "--no-color", dockerfile) == ""


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda path: path.name)
def test_an_image_runs_as_nobody_and_says_how_it_is(dockerfile: Path) -> None:
    last = dockerfile.read_text().rpartition("\nFROM ")[2]
    assert "\nUSER 10001:10001\n" in last
    assert "\nHEALTHCHECK " in last
    assert "org.opencontainers.image.title=" in last
    assert re.search(r'\nENTRYPOINT \["animato"\]\n', last)


def test_both_images_are_built_from_the_same_program() -> None:
    def stage(path: Path) -> str:
        return path.read_text().partition("FROM ${SWIFT_IMAGE} AS build")[2].partition("\n\n")[0]

    first, *others = [stage(path) for path in DOCKERFILES]
    assert first and others == [first]


def test_the_image_of_the_api_has_no_python() -> None:
    assert "python" not in (DEPLOY / "docker/api.Dockerfile").read_text().partition("AS build")[2].lower()


def test_what_the_images_copy_is_sent_to_the_builder() -> None:
    lines = [line for line in (REPOSITORY / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    assert lines[0] == "*"
    sent = {line[1:] for line in lines if line.startswith("!")}
    for path in DOCKERFILES:
        for line in re.findall(r"^COPY (?!--from)(.+)$", path.read_text(), re.MULTILINE):
            for source in line.split()[:-1]:
                assert (REPOSITORY / source).exists(), source
                assert source in sent, f"{source} is in .dockerignore"


# Settings


def test_every_setting_that_is_named_is_one() -> None:
    known = set(re.findall(r"`(ANIMATO_[A-Z0-9_]+)`", (REPOSITORY / "docs/configuration.md").read_text()))
    unknown = sorted({f"{path.relative_to(REPOSITORY)}: {name}" for path, name in variables() if name not in known})
    assert unknown == []


# Compose


@pytest.mark.parametrize("files", COMPOSE, ids=lambda files: files[-1])
def test_compose_takes_the_files(files: tuple[str, ...], tmp_path: Path) -> None:
    services = compose(tmp_path, *files)["services"]
    assert {"proxy", "api", "worker", "redis", "prometheus", "grafana"} <= set(services)
    assert services["api"]["deploy"]["replicas"] == 2
    for name, service in services.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        for mount in service.get("volumes", []):
            assert mount["type"] == "volume" or mount.get("read_only"), name
        for dependency in service.get("depends_on", {}).values():
            assert dependency["condition"] in {"service_healthy", "service_completed_successfully"}, name
        published = [port for port in service.get("ports", [])]
        assert all(port["host_ip"] == "127.0.0.1" for port in published), name


def test_only_a_worker_of_the_processor_reserves_no_device(tmp_path: Path) -> None:
    gpu = compose(tmp_path, "compose.yaml")["services"]["worker"]
    assert gpu["deploy"]["resources"]["reservations"]["devices"][0]["driver"] == "nvidia"
    processor = compose(tmp_path, "compose.yaml", "compose.cpu.yaml")["services"]["worker"]
    assert list(values(processor, "devices")) == []
    assert processor["environment"]["ANIMATO_ENGINE_DEVICES"] == "cpu"


@pytest.mark.parametrize("files", COMPOSE, ids=lambda files: files[-1])
def test_compose_waits_for_a_worker_to_drain(files: tuple[str, ...], tmp_path: Path) -> None:
    worker = compose(tmp_path, *files)["services"]["worker"]
    drain = float(worker["environment"]["ANIMATO_QUEUE_DRAIN_TIMEOUT"])
    assert seconds(worker["stop_grace_period"]) >= drain + 60


def test_prometheus_takes_the_example_of_compose() -> None:
    run("promtool", "check", "config", "--syntax-only", DEPLOY / "compose/prometheus.yml")


def test_grafana_finds_prometheus_under_the_name_that_the_dashboards_have() -> None:
    def source(path: str) -> dict[str, Any]:
        return yaml.safe_load((DEPLOY / path).read_text())["datasources"][0]

    ours, example = source("compose/datasource.yml"), source("grafana/provisioning/datasources/animato.yml")
    assert {**ours, "url": ""} == {**example, "url": ""}


# Kubernetes


@pytest.mark.parametrize("name", OVERLAYS)
def test_every_object_is_as_its_schema_says(name: str) -> None:
    for manifest in overlay(name):
        check(manifest)


@pytest.mark.parametrize("name", OVERLAYS)
def test_every_object_is_in_the_namespace(name: str) -> None:
    for manifest in overlay(name):
        if manifest["kind"] != "Namespace":
            assert manifest["metadata"]["namespace"] == "animato", manifest["metadata"]["name"]


@pytest.mark.parametrize("name", OVERLAYS)
def test_what_is_referred_to_is_there(name: str) -> None:
    objects = overlay(name)
    names = {(one["kind"], one["metadata"]["name"]) for one in objects}
    for workload in workloads(objects).values():
        assert ("ServiceAccount", pod(workload)["serviceAccountName"]) in names
        for reference in values(pod(workload), "configMapRef"):
            assert ("ConfigMap", reference["name"]) in names
        for reference in values(pod(workload), "persistentVolumeClaim"):
            assert ("PersistentVolumeClaim", reference["claimName"]) in names
        for reference in [*values(pod(workload), "secretRef"), *values(pod(workload), "secretKeyRef")]:
            assert reference["name"] in SECRETS
    for ingress in of_kind(objects, "Ingress"):
        assert all(("Service", service["name"]) in names for service in values(ingress, "service"))
    for scaled in of_kind(objects, "ScaledObject"):
        assert ("Deployment", scaled["spec"]["scaleTargetRef"]["name"]) in names
        for trigger in scaled["spec"]["triggers"]:
            assert ("TriggerAuthentication", trigger["authenticationRef"]["name"]) in names
    page = (REPOSITORY / "docs/deployment.md").read_text()
    assert all(secret in page for secret in SECRETS)


@pytest.mark.parametrize("name", OVERLAYS)
def test_every_selector_finds_its_pods(name: str) -> None:
    objects = overlay(name)
    labels = [one["spec"]["template"]["metadata"]["labels"] for one in workloads(objects).values()]
    for one in of_kind(objects, "PodDisruptionBudget", "Deployment", "StatefulSet"):
        wanted = one["spec"]["selector"]["matchLabels"].items()
        assert sum(wanted <= found.items() for found in labels) == 1, one["metadata"]["name"]
    for service in of_kind(objects, "Service"):
        (workload,) = [
            one
            for one in workloads(objects).values()
            if service["spec"]["selector"].items() <= one["spec"]["template"]["metadata"]["labels"].items()
        ]
        ports = {port["name"] for port in pod(workload)["containers"][0]["ports"]}
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= ports


@pytest.mark.parametrize("name", OVERLAYS)
def test_pods_are_as_the_restricted_profile_wants_them(name: str) -> None:
    for workload in workloads(overlay(name)).values():
        spec = pod(workload)
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert spec["automountServiceAccountToken"] is False
        for container in spec["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert "memory" in container["resources"]["limits"]
            assert {"startupProbe", "livenessProbe", "readinessProbe"} <= set(container)
            ports = {port["name"] for port in container["ports"]}
            assert set(values(container, "port")) <= ports


@pytest.mark.parametrize("name", OVERLAYS)
def test_kubernetes_waits_for_a_worker_to_drain(name: str) -> None:
    objects = overlay(name)
    (settings,) = [
        one["data"]
        for one in of_kind(objects, "ConfigMap")
        if one["metadata"]["name"].startswith("animato-worker-settings")
    ]
    grace = pod(workloads(objects)["animato-worker"])["terminationGracePeriodSeconds"]
    assert grace >= int(settings["ANIMATO_QUEUE_DRAIN_TIMEOUT"]) + 60


@pytest.mark.parametrize("name", OVERLAYS)
def test_nothing_is_reached_that_no_policy_names(name: str) -> None:
    policies = of_kind(overlay(name), "NetworkPolicy")
    closed = [one for one in policies if one["spec"]["podSelector"] == {}]
    assert len(closed) == 1 and closed[0]["spec"]["policyTypes"] == ["Ingress", "Egress"]
    assert "ingress" not in closed[0]["spec"] and "egress" not in closed[0]["spec"]


def test_workers_of_a_gpu_overlay_ask_for_one_and_are_scaled_by_the_scaler_alone() -> None:
    for name in ("gpu", "autoscaling"):
        worker = workloads(overlay(name))["animato-worker"]
        assert pod(worker)["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == 1
        assert ("replicas" in worker["spec"]) == (name == "gpu")


def test_the_scaler_finds_its_number_where_the_api_says_it() -> None:
    path = yaml.safe_load((REPOSITORY / "openapi.yaml").read_text())["paths"]["/api/v1/scale"]
    answer = path["get"]["responses"]["200"]["content"]["application/json"]["example"]
    (scaled,) = of_kind(overlay("autoscaling"), "ScaledObject")
    (trigger,) = scaled["spec"]["triggers"]
    assert trigger["metadata"]["url"] == "http://animato-api.animato.svc/api/v1/scale"
    for key in trigger["metadata"]["valueLocation"].split("."):
        answer = answer[key]
    assert answer == 5


def test_the_operator_gets_the_rules_that_prometheus_gets() -> None:
    made = runpy.run_path(str(KUBERNETES / "rules.py"))
    assert made["OUTPUT"].read_text() == made["prometheus_rule"](), "run deploy/kubernetes/rules.py"
    (rule,) = of_kind(overlay("gpu"), "PrometheusRule")
    source = yaml.safe_load((DEPLOY / "prometheus/animato.rules.yml").read_text())
    assert rule["spec"]["groups"] == source["groups"]


# systemd


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A root of a file system that has the units and what they start."""
    units = tmp_path / "etc/systemd/system"
    shutil.copytree(UNITS, units)
    shutil.copy(units / "animato-worker@.service", units / "animato-worker@0.service")
    program = tmp_path / "usr/local/bin/animato"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    return tmp_path


@pytest.mark.parametrize("unit", ["animato-api.service", "animato-worker@0.service"])
def test_systemd_takes_the_units(unit: str, machine: Path) -> None:
    path = machine / "etc/systemd/system" / unit
    assert run("systemd-analyze", "verify", "--man=no", "--recursive-errors=no", f"--root={machine}", path) == ""


@pytest.mark.parametrize(("unit", "limit"), [("animato-api.service", 2.0), ("animato-worker@0.service", 4.0)])
def test_a_unit_may_do_little_more_than_it_has_to(unit: str, limit: float, machine: Path) -> None:
    text = run("systemd-analyze", "security", "--offline=true", "--no-pager", f"--root={machine}", unit)
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", text)
    assert found is not None and float(found[1]) <= limit, text


def test_systemd_waits_for_a_worker_to_drain() -> None:
    text = (UNITS / "animato-worker@.service").read_text()
    drain = re.search(r"^Environment=ANIMATO_QUEUE_DRAIN_TIMEOUT=(\d+)$", text, re.MULTILINE)
    stop = re.search(r"^TimeoutStopSec=(\d+)$", text, re.MULTILINE)
    assert drain is not None and stop is not None and int(stop[1]) >= int(drain[1]) + 60


# Documentation


def test_the_page_names_what_there_is() -> None:
    page = (REPOSITORY / "docs/deployment.md").read_text()
    for path in [*DOCKERFILES, *sorted(DEPLOY.glob("compose*.yaml")), *sorted(DEPLOY.glob("*.env.example"))]:
        assert path.name in page, path.name
    for name in [*OVERLAYS, *(path.name for path in sorted((KUBERNETES / "components").iterdir()))]:
        assert f"`{name}`" in page, name
    for path in sorted(UNITS.glob("*.service")):
        assert path.name in page, path.name
