"""What the gates said of a version, on its page in MLflow."""

from __future__ import annotations

from collections.abc import Sequence

from adverdict.training.gates import Gate, counted
from adverdict.training.tracking.aliases import NAME
from adverdict.training.tracking.server import answers, client_now

GATES_TAG = "gates"
HEADING = "\n\n**Gates.** "
"""Begins the last part of a version's description, which each judgement writes anew."""


def keep_gates(version: str, outcome: Sequence[Gate]) -> None:
    """Tags ``gates`` (``9 gates passed, 4 not judged``), ``gates.failed`` and ``gates.not_judged`` with the names, and a table at the end
    of the description. Raises NotFound or Unavailable."""
    import mlflow

    with answers(mlflow.get_tracking_uri()):
        client = client_now()
        client.set_model_version_tag(NAME, version, GATES_TAG, counted(outcome))
        for kind in ("failed", "not judged"):
            names = ", ".join(gate.name for gate in outcome if gate.outcome == kind)
            client.set_model_version_tag(NAME, version, f"{GATES_TAG}.{kind.replace(' ', '_')}", names or "none")
        card = (client.get_model_version(NAME, version).description or "").partition(HEADING)[0]
        client.update_model_version(NAME, version, f"{card}{HEADING}{table(outcome)}")


def table(outcome: Sequence[Gate]) -> str:
    """Markdown."""
    # Three columns: MLflow's pages draw cells without a space between them.
    rows = [f"| {gate.name} | {gate.outcome} | {gate.measured}: {gate.sentence} |".replace("\n", " ") for gate in outcome]
    return "\n".join([f"{counted(outcome)}.", "", "| gate | | measured |", "|---|---|---|", *rows])
