"""The registered model and its aliases: which version is the champion, which would be, which was."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from adverdict.models.registry import certificates_path, certificates_tag
from adverdict.training.tracking.server import answers, client_now

if TYPE_CHECKING:
    from mlflow import MlflowClient

NAME = "adverdict"
"""Of the experiment and of the registered model."""

CHAMPION, CHALLENGER, PREVIOUS = "champion", "challenger", "previous"


def aliased(alias: str) -> str | None:
    """The version an alias (CHAMPION, CHALLENGER, PREVIOUS) stands for; ``None`` when there is none. Raises Unavailable."""
    import mlflow

    with answers(mlflow.get_tracking_uri()):
        return aliased_by(client_now(), alias)


def promote(version: str) -> str | None:
    """Make ``version`` the champion and the champion until now ``previous``; returns the latter, ``None`` at the first promotion.

    The alias moves in one step, so whoever asks gets the old champion or the new one. Raises NotFound or Unavailable.
    """
    import mlflow

    with answers(mlflow.get_tracking_uri()):
        client = client_now()
        client.get_model_version(NAME, version)
        before = aliased_by(client, CHAMPION)
        if before == version:
            return aliased_by(client, PREVIOUS)
        if before is not None:
            client.set_registered_model_alias(NAME, PREVIOUS, before)
        client.set_registered_model_alias(NAME, CHAMPION, version)
        if aliased_by(client, CHALLENGER) == version:
            client.delete_registered_model_alias(NAME, CHALLENGER)
    return before


def attach_certificates(model: str, folder: Path, digest: str, policy_hash: str) -> None:
    """Keep a folder of certificates with the run of ``models:/NAME/VERSION`` and make them the version's own for these policies, in that
    order: whoever follows the version finds a whole set, the one before or this one. ``digest``: sha256 of its ``certificates.json``.

    Who decides by other policies is not touched. Raises NotFound or Unavailable.
    """
    import mlflow

    name, _, version = model.removeprefix("models:/").rpartition("/")
    with answers(mlflow.get_tracking_uri()):
        client = client_now()
        run_id = str(client.get_model_version(name, version).run_id)
        client.log_artifacts(run_id, str(folder), certificates_path(digest))
        client.set_model_version_tag(name, version, certificates_tag(policy_hash), digest)


def aliased_by(client: MlflowClient, alias: str) -> str | None:
    """As ``aliased``, by a client."""
    from mlflow.exceptions import MlflowException

    try:
        return str(client.get_model_version_by_alias(NAME, alias).version)
    except MlflowException as error:
        # A missing alias is reported as an invalid parameter, a missing model as a missing resource.
        if error.error_code in ("INVALID_PARAMETER_VALUE", "RESOURCE_DOES_NOT_EXIST"):
            return None
        raise
