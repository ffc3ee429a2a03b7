"""A bundle as an MLflow pyfunc, logged from this file's code: nothing is pickled, and ``predict`` is the service's own scoring."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
from mlflow.pyfunc.model import PythonModel

from adverdict.models.bundle import Bundle, load_bundle
from adverdict.models.registry import BUNDLE_ARTIFACT
from adverdict.storage.tables.frames import ads_from


class BundleModel(PythonModel):
    """``predict(ads)`` takes ads in the data contract's columns; see ``predict``."""

    _skip_type_hint_validation = True  # MLflow would ask for hints at each loading; what comes in is held to the data contract
    bundle: Bundle

    def load_context(self, context: Any) -> None:
        self.bundle = load_bundle(Path(context.artifacts[BUNDLE_ARTIFACT]))

    # MLflow warns of a hint for ``model_input`` that is no list, and one that is would refuse frames.
    def predict(self, context: Any, model_input, params: Any = None) -> pd.DataFrame:  # type: ignore[no-untyped-def]
        """One row an ad, in order: ``ad_id``, then for each policy ``p_POLICY``, ``p_low_POLICY`` and ``p_high_POLICY``.

        ``model_input``: a pandas or Polars frame, a list of dicts, one dict or Series, or a dict of columns (``frames.ads_from``). History
        is what the bundle knew when it was made. Raises InvalidTable with every mistake in the ads.
        """
        ads = ads_from(model_input)
        risk = self.bundle.score(ads).risk
        columns: dict[str, Any] = {"ad_id": [ad.ad_id for ad in ads]}
        for i, policy in enumerate(self.bundle.policies):
            columns |= {f"p_{policy}": risk[:, i, 0], f"p_low_{policy}": risk[:, i, 1], f"p_high_{policy}": risk[:, i, 2]}
        return pd.DataFrame(columns)


mlflow.models.set_model(BundleModel())
