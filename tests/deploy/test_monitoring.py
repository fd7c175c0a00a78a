"""Dashboards and alert rules ask for metrics that the door has, by labels that they have."""

import json
import re
from pathlib import Path

import pytest
import yaml
from prometheus_client.samples import Sample

from ledger.http.metrics import Metrics

DEPLOY = Path(__file__).parents[2] / "deploy"
STATUSES = {"posted", "done", "declined", "invalid", "failed"}


def samples() -> list[Sample]:
    """Return everything that a door tells Prometheus, a sample of each."""
    metrics = Metrics()
    metrics.commands.labels("debit", "posted", "").inc()
    metrics.requests.labels("/v1/commands", "200").inc()
    metrics.seconds.labels("/v1/commands").observe(1)
    metrics.observe_batch(1, 1)
    return [sample for family in metrics.registry.collect() for sample in family.samples]


def asked() -> list[str]:
    """Return every expression of the dashboard and of the rules."""
    board = json.loads((DEPLOY / "monitoring" / "grafana.json").read_text())
    rules = yaml.safe_load((DEPLOY / "monitoring" / "alerts.yaml").read_text())
    return [
        *(target["expr"] for panel in board["panels"] for target in panel["targets"]),
        *(rule["expr"] for group in rules["groups"] for rule in group["rules"]),
    ]


@pytest.mark.parametrize("expression", asked())
def test_every_expression_asks_for_what_there_is(expression: str) -> None:
    """A metric that was renamed, a label that is none, or a status that no line has would show nothing, for ever."""
    there = {sample.name: set(sample.labels) for sample in samples()} | {"up": {"job"}}
    names = re.findall(r"\b(?:tiffin_\w+|up)\b(?=[{\[) ><]|$)", expression)
    assert names
    assert set(names) <= there.keys()
    known = set().union(*(there[name] for name in names), {"le", "instance"})
    used = {label for group in re.findall(r"by \(([^)]*)\)", expression) for label in re.split(r", *", group)}
    used |= set(re.findall(r"[{,] *(\w+)=", expression))
    assert used <= known
    assert set(re.findall(r'status="(\w+)"', expression)) <= STATUSES


def test_rules_say_what_to_do() -> None:
    """Each has a severity, and a sentence."""
    rules = yaml.safe_load((DEPLOY / "monitoring" / "alerts.yaml").read_text())
    for rule in rules["groups"][0]["rules"]:
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert rule["annotations"]["summary"]
