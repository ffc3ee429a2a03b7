"""One row through a LightGBM booster by the C interface made for it: no matrix, no parameters parsed anew, a fifth of ``predict``'s time.

LightGBM's Python package does not offer ``LGBM_BoosterPredictForMatSingleRowFast``; the library it loads has it since 3.0. Both walk the
same trees and add in the same order, so what comes out is equal in every digit. Two names that are not public lead there; should a
version of LightGBM rename them, ``predict`` itself is called.
"""

from __future__ import annotations

import ctypes
import logging
import weakref
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from lightgbm import Booster

log = logging.getLogger("adverdict")

Kind = Literal["raw", "contributions"]
PREDICT: dict[Kind, int] = {"raw": 1, "contributions": 3}
"""``C_API_PREDICT_RAW_SCORE`` and ``C_API_PREDICT_CONTRIB``."""
FLOAT64 = 1
"""``C_API_DTYPE_FLOAT64``"""


def single_row(booster: Booster, kind: Kind) -> SingleRow | ByPredict:
    """The fastest way there is to predict single rows."""
    from lightgbm import basic

    library, handle = getattr(basic, "_LIB", None), getattr(booster, "_handle", None)
    if handle is None or not hasattr(library, "LGBM_BoosterPredictForMatSingleRowFast"):
        log.warning("this version of LightGBM has no way in for single rows that is known here; they take five times as long")
        return ByPredict(booster, kind)
    return SingleRow(booster, kind, library, handle)


class ByPredict:
    """The same by LightGBM's public interface."""

    def __init__(self, booster: Booster, kind: Kind) -> None:
        self._booster = booster
        self._kind = kind

    def predict(self, row: NDArray[np.float64]) -> NDArray[np.float64]:
        """As ``SingleRow.predict``."""
        raw, contributions = self._kind == "raw", self._kind == "contributions"
        return np.asarray(self._booster.predict(row[None, :], raw_score=raw, pred_contrib=contributions, num_threads=1)).reshape(-1)


class SingleRow:
    """A booster set up for single rows of one kind of prediction. Threads take turns: the row and the result have one place each."""

    def __init__(self, booster: Booster, kind: Kind, library: Any, handle: Any) -> None:
        """``library`` and ``handle``: what every call of the C interface takes."""
        n = booster.num_feature()
        self._library = library
        self._booster = booster  # keeps alive what the handle points to
        self._lock = Lock()
        self._row = np.empty(n, dtype=np.float64)
        self._result = np.empty(1 if kind == "raw" else n + 1, dtype=np.float64)
        self._length = ctypes.c_int64(0)
        self._fast = ctypes.c_void_p()
        self._where = (
            ctypes.c_void_p(self._row.ctypes.data),
            ctypes.byref(self._length),
            ctypes.c_void_p(self._result.ctypes.data),
        )
        self._check(
            library.LGBM_BoosterPredictForMatSingleRowFastInit(
                handle,
                ctypes.c_int(PREDICT[kind]),
                ctypes.c_int(0),
                ctypes.c_int(booster.best_iteration),
                ctypes.c_int(FLOAT64),
                ctypes.c_int32(n),
                b"num_threads=1",
                ctypes.byref(self._fast),
            )
        )
        weakref.finalize(self, library.LGBM_FastConfigFree, self._fast)

    def predict(self, row: NDArray[np.float64]) -> NDArray[np.float64]:
        """``float64 (1,)``, or ``(n_features + 1,)`` for contributions, from ``float64 (n_features,)``."""
        with self._lock:
            self._row[:] = row  # refuses a row of another length
            self._check(self._library.LGBM_BoosterPredictForMatSingleRowFast(self._fast, *self._where))
            return self._result.copy()

    def _check(self, failed: int) -> None:
        if failed:
            from lightgbm.basic import LightGBMError

            self._library.LGBM_GetLastError.restype = ctypes.c_char_p
            raise LightGBMError(self._library.LGBM_GetLastError().decode("utf-8"))
