"""The Helm chart: its values against the tables of roles and the contracts, and, where Helm is
there, what it renders for a matrix of values."""

from __future__ import annotations

import copy
import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from coop_contracts.topic import all_topics
from coop_local.roster import _TABLES
from coop_runtime.process.role import Role, attribute
from tests.observability.dashboard import DASHBOARDS
from tests.observability.rule_file import text

from .compose import ROOT

CHART = ROOT / "deploy" / "helm" / "coop"
DOCKERFILE = ROOT / "deploy" / "Dockerfile"
VALUES: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text())
SCHEMA: dict[str, Any] = json.loads((CHART / "values.schema.json").read_text())
ROLES: dict[str, tuple[str, Role]] = {
    role.process: (table.module, role) for table in _TABLES for role in table.roles
}
PARTITIONS = {topic.topic: topic.partitions for topic in all_topics()}

REQUIRED = (
    "postgres.host=db.example",
    "redis.url=rediss://cache.example:6379/0",
    "kafka.bootstrap=kafka.example:9096",
)
# For whom it is rendered: a Helm that was built by Go itself knows none that Coop runs on.
KUBERNETES = ("--kube-version", "1.33.0")
MATRIX: tuple[tuple[str, ...], ...] = (
    ("kafka.saslMechanism=SCRAM-SHA-512", "kafka.saslMechanism=,kafka.securityProtocol=SSL"),
    ("image.perService=true", "image.perService=false"),
    ("keda.enabled=false", "keda.enabled=true"),
    ("networkPolicy.enabled=true", "networkPolicy.enabled=false"),
    ("bootstrap.enabled=true", "migrate.enabled=false"),
    ("ca.configMap=", "ca.configMap=authorities"),
    ("ingress.enabled=false", "ingress.enabled=true"),
    ("monitoring.serviceMonitor=false", "monitoring.serviceMonitor=true"),
    ("monitoring.prometheusRule=false", "monitoring.prometheusRule=true"),
    ("monitoring.dashboards=false", "monitoring.dashboards=true"),
    ("monitoring.runbooks=", "monitoring.runbooks=https://wiki.example/coop/"),
)


def test_every_role_of_every_service_is_there() -> None:
    """Under the name that it has among all processes, run as its table of roles says."""
    assert set(VALUES["roles"]) == set(ROLES)
    for process, (module, role) in ROLES.items():
        assert VALUES["roles"][process]["args"] == [module, role.name], process


@pytest.mark.parametrize("process", ROLES)
def test_a_role_has_what_its_table_says(process: str) -> None:
    """Database role, keys, token, port, and whether it may reach the world: no more, no less."""
    _, role = ROLES[process]
    values = VALUES["roles"][process]
    assert values.get("databaseRole") == role.database_role
    assert values.get("secretKeys", False) == role.secret_keys
    assert values.get("internalToken", False) == role.internal_token
    assert values.get("egress", False) == role.egress
    port = attribute(role.settings).model_fields[role.port].default if role.port else None
    assert values.get("port") == port
    assert values.get("public", False) == (role.port is not None and role.public)


@pytest.mark.parametrize(
    "process", [name for name, one in VALUES["roles"].items() if "scale" in one]
)
def test_nobody_is_scaled_beyond_its_partitions(process: str) -> None:
    """A member more than the topic has partitions stands idle; each topic is one of the contracts'
    that the service consumes."""
    scale = VALUES["roles"][process]["scale"]
    for trigger in scale["triggers"]:
        assert trigger["topic"] in PARTITIONS
    assert scale["max"] <= max(PARTITIONS[trigger["topic"]] for trigger in scale["triggers"])


def test_every_role_has_room() -> None:
    """Requests, and a limit of memory; none of the processor, which would let heartbeats wait."""
    for process, values in VALUES["roles"].items():
        resources = values["resources"]
        assert set(resources["requests"]) == {"cpu", "memory"}, process
        assert set(resources["limits"]) == {"memory"}, process


def combinations() -> list[tuple[str, ...]]:
    """All of the first values, all of the second ones, and each second one among the first."""
    first, second = (tuple(choice[side] for choice in MATRIX) for side in (0, 1))
    single = [(*first[:at], second[at], *first[at + 1 :]) for at in range(len(MATRIX))]
    return [first, second, *single]


@cache
def rendered(combination: tuple[str, ...]) -> list[dict[str, Any]]:
    """What Helm makes of the chart."""
    helm = shutil.which("helm")
    if helm is None:
        pytest.skip("helm is not here")
    sets = [argument for one in (*REQUIRED, *combination) for argument in ("--set", one)]
    done = subprocess.run(
        [helm, "template", "coop", str(CHART), *KUBERNETES, *sets],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [one for one in yaml.safe_load_all(done.stdout) if one is not None]


def values_of(combination: tuple[str, ...]) -> dict[str, Any]:
    """The chart's values with these set, as Helm does it."""
    values = copy.deepcopy(VALUES)
    for setting in (one for group in (*REQUIRED, *combination) for one in group.split(",")):
        path, _, value = setting.partition("=")
        *folders, name = path.split(".")
        place = values
        for folder in folders:
            place = place[folder]
        place[name] = {"true": True, "false": False}.get(value, value)
    return values


def refusals(values: dict[str, Any]) -> list[str]:
    """What the schema says against them: where, and why."""
    found = Draft7Validator(SCHEMA).iter_errors(values)
    return [f"{'.'.join(map(str, one.absolute_path))}: {one.message}" for one in found]


@pytest.mark.parametrize("combination", combinations(), ids=",".join)
def test_the_schema_takes_what_the_chart_takes(combination: tuple[str, ...]) -> None:
    """Every combination of the matrix; and every value that the chart has is in the schema."""
    Draft7Validator.check_schema(SCHEMA)
    assert refusals(values_of(combination)) == []


def test_the_schema_knows_every_value_of_the_chart() -> None:
    """And the chart every one of the schema's, so that neither is forgotten."""
    properties = SCHEMA["properties"]
    assert set(properties) - {"global"} == set(VALUES)
    for name, value in VALUES.items():
        known = properties[name].get("properties")
        if known is not None:
            assert set(known) == set(value), name


@pytest.mark.parametrize(
    ("setting", "where"),
    [
        ("postgres.host=", "postgres.host"),
        ("postgres.host=postgresql://coop@db.example/coop", "postgres.host"),
        ("redis.url=redis+sentinel://a.example:26379/0", "redis.url"),
        ("kafka.securityProtocol=TLS", "kafka.securityProtocol"),
        ("kafka.securityProtocol=SSL", "kafka.saslMechanism"),
        ("ca.kafkaFile=kafka.pem", "ca.configMap"),
        ("config.LOG_LEVEL=INFO", "config"),
        ("drainDelay=5s", "drainDelay"),
        ("monitoring.runbooks=wiki", "monitoring.runbooks"),
        ("monitoring.prometheusRules=true", "monitoring"),
        ("roles.ingest.replica=3", "roles.ingest"),
        ("roles.ingest.replicas=two", "roles.ingest.replicas"),
        ("role=x", ""),
    ],
)
def test_the_schema_refuses_what_would_not_work(setting: str, where: str) -> None:
    """Naming the value: Helm shows it before anything is sent to the cluster."""
    assert [one for one in refusals(values_of((setting,))) if one.startswith(f"{where}: ")]


def test_two_servers_of_redis_are_refused() -> None:
    """A list of addresses is a cluster's, or Sentinel's."""
    values = values_of(())
    values["redis"]["url"] = "redis://a.example:6379,b.example:6379/0"
    assert refusals(values)


def pods(combination: tuple[str, ...]) -> Iterator[tuple[str, dict[str, Any]]]:
    for one in rendered(combination):
        if one["kind"] in ("Deployment", "Job"):
            yield f"{one['kind']} {one['metadata']['name']}", one["spec"]["template"]["spec"]


def test_helm_has_nothing_to_say() -> None:
    """`helm lint`, strictly."""
    helm = shutil.which("helm")
    if helm is None:
        pytest.skip("helm is not here")
    sets = [argument for one in REQUIRED for argument in ("--set", one)]
    done = subprocess.run(
        [helm, "lint", "--strict", str(CHART), *KUBERNETES, *sets],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("combination", combinations(), ids=",".join)
def test_pods_are_confined_whatever_the_values(combination: tuple[str, ...]) -> None:
    """No service links, no token, no root, nothing to write on, no capability."""
    for name, pod in pods(combination):
        assert pod["enableServiceLinks"] is False, name
        assert pod["automountServiceAccountToken"] is False, name
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        (container,) = pod["containers"]
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }, name
        variables = [one["name"] for one in container["env"]]
        assert len(variables) == len(set(variables)), name


def test_every_process_runs_its_services_image() -> None:
    """A target of the Dockerfile, named like the service; or the one image of all, where wanted."""
    targets = set(re.findall(r"^FROM base AS (\S+)$", DOCKERFILE.read_text(), re.MULTILINE))
    several = next(one for one in combinations() if "image.perService=true" in one)
    tag = yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"]
    for name, pod in pods(several):
        (container,) = pod["containers"]
        service = container["args"][0].removeprefix("coop_").replace("_", "-")
        assert service in targets, name
        assert container["image"] == f"coop-{service}:{tag}", name
    one = next(one for one in combinations() if "image.perService=false" in one)
    assert {pod["containers"][0]["image"] for _, pod in pods(one)} == {f"coop:{tag}"}


def test_probes_and_stops_fit() -> None:
    """A stop has the delay and the deadline of the process, and liveness asks nothing behind it."""
    combination = combinations()[0]
    for name, pod in pods(combination):
        if not name.startswith("Deployment"):
            continue
        (container,) = pod["containers"]
        told = {one["name"]: one.get("value") for one in container["env"]}
        needed = float(told["COOP_DRAIN_DELAY"]) + float(told["COOP_STOP_TIMEOUT"])
        assert pod["terminationGracePeriodSeconds"] >= needed + 5, name
        assert container["livenessProbe"]["httpGet"]["path"] == "/livez", name
        assert container["startupProbe"]["httpGet"]["path"] == "/livez", name
        assert container["readinessProbe"]["httpGet"]["path"] == "/readyz", name


def test_only_who_sends_to_users_addresses_reaches_the_world() -> None:
    """By the network's policies; metrics are for Prometheus alone."""
    found = {
        one["metadata"]["name"]: one["spec"]
        for one in rendered(combinations()[0])
        if one["kind"] == "NetworkPolicy"
    }
    for process, (_, role) in ROLES.items():
        policy = found[f"coop-{process}"]
        blocks = [to for rule in policy["egress"] for to in rule.get("to", []) if "ipBlock" in to]
        assert bool(blocks) == role.egress, process
        (metrics,) = [rule for rule in policy["ingress"] if {"port": 9080} in rule["ports"]]
        assert metrics["from"] == VALUES["networkPolicy"]["metricsFrom"], process


def test_rules_and_dashboards_are_the_files() -> None:
    """Whole, with nothing of theirs read as the chart's own, and runbooks where they are served."""
    found = rendered(combinations()[1])
    (rules,) = [one["spec"] for one in found if one["kind"] == "PrometheusRule"]
    served = text().replace("docs/runbooks/", "https://wiki.example/coop/")
    assert rules == yaml.safe_load(served)
    dashboards: dict[str, str] = {}
    for one in found:
        if one["kind"] == "ConfigMap" and "dashboard" in one["metadata"]["name"]:
            assert one["metadata"]["labels"]["grafana_dashboard"] == "1"
            dashboards |= one["data"]
    assert dashboards == {f"{one.uid}.json": one.text() for one in DASHBOARDS}


def test_a_role_is_the_job_of_its_metrics() -> None:
    """By the label of its Service that the ServiceMonitor names."""
    found = rendered(combinations()[1])
    (monitor,) = [one["spec"] for one in found if one["kind"] == "ServiceMonitor"]
    services = [one["metadata"] for one in found if one["kind"] == "Service"]
    assert {one["labels"][monitor["jobLabel"]] for one in services} == set(ROLES)


@pytest.mark.parametrize("combination", combinations()[:3], ids=",".join)
def test_kubernetes_knows_every_field(combination: tuple[str, ...]) -> None:
    """By its schemas, strictly; kinds of others (KEDA's, Prometheus') are left out."""
    validate = shutil.which("kubernetes-validate")
    if validate is None:
        pytest.skip("kubernetes-validate is not here")
    others = ("keda.sh/", "monitoring.coreos.com/")
    ours = [one for one in rendered(combination) if not one["apiVersion"].startswith(others)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "coop.yaml"
        path.write_text(yaml.safe_dump_all(ours))
        done = subprocess.run(
            [validate, "--strict", str(path)], capture_output=True, text=True, check=False
        )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_example_of_strimzi_fits() -> None:
    """The chart's values name the listener, the user and the copies of the Kafka beside them; its
    user may use every topic of the contracts; the schema takes them."""
    folder = CHART.parent / "examples" / "strimzi"
    documents = {
        one["kind"]: one for one in yaml.safe_load_all((folder / "kafka.yaml").read_text())
    }
    given = yaml.safe_load((folder / "values.yaml").read_text())
    kafka, user = documents["Kafka"], documents["KafkaUser"]
    name = kafka["metadata"]["name"]
    (listener,) = kafka["spec"]["kafka"]["listeners"]
    assert given["kafka"]["bootstrap"] == f"{name}-kafka-bootstrap:{listener['port']}"
    (brokers,) = [one for one in given["networkPolicy"]["engines"] if "podSelector" in one["to"][0]]
    assert brokers["ports"] == [{"port": listener["port"]}]
    assert brokers["to"] == [{"podSelector": {"matchLabels": user["metadata"]["labels"]}}]
    assert given["kafka"]["securityProtocol"] == "SASL_SSL"
    assert listener["tls"]
    assert given["kafka"]["saslMechanism"].lower() == listener["authentication"]["type"]
    assert given["kafka"]["username"] == user["metadata"]["name"]
    config = kafka["spec"]["kafka"]["config"]
    assert given["kafka"]["replicationFactor"] == config["default.replication.factor"]
    assert given["kafka"]["replicationFactor"] == documents["KafkaNodePool"]["spec"]["replicas"]
    assert given["kafka"]["minInSyncReplicas"] == config["min.insync.replicas"]
    (topics,) = [
        one["resource"]["name"]
        for one in user["spec"]["authorization"]["acls"]
        if one["resource"]["type"] == "topic"
    ]
    assert all(topic.startswith(topics) for topic in PARTITIONS)
    values = values_of(())
    for part, changed in given.items():
        values[part] |= changed
    assert refusals(values) == []
