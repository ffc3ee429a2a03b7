"""What is made when somebody looks, and kept for whoever looks next: reasons of decisions on record, and decisions on golden ads."""

from __future__ import annotations

from collections import OrderedDict
from concurrent.futures import CancelledError
from concurrent.futures import TimeoutError as TookTooLong
from threading import Lock

from adverdict.domain.ad import Ad
from adverdict.domain.decision import Decision, Reason
from adverdict.domain.errors import AdverdictError
from adverdict.ledger.entries import DecisionMade
from adverdict.ledger.history import LedgerHistory
from adverdict.ledger.steps import refuse_lost_history
from adverdict.ledger.store import Ledger
from adverdict.ledger.stored.folder import HistoryFolder
from adverdict.scoring.explaining import Explanation, reasons_again
from adverdict.scoring.model import Model
from adverdict.scoring.scorer import Explained
from adverdict.serving.worker.champion import Champion
from adverdict.serving.worker.intake import Intake

KEPT = 4096
"""Explanations: some 10 MB."""
SECONDS = 10.0
"""Nobody waits longer for the intake, which may be busy deciding."""
READ_BACK = 50_000
"""Entries of the chain that are read back while somebody waits: a second or two."""


class Explanations:
    """Asks the intake first, which holds what is known of advertisers now. Where that has come to say something else of the time before
    the decision, the chain is read back to the entry that the decision knew."""

    def __init__(self, intake: Intake, champion: Champion, ledger: Ledger, stored: HistoryFolder | None = None) -> None:
        """``stored``: a history store, which what is read back may begin with."""
        self._intake = intake
        self._champion = champion
        self._ledger = ledger
        self._stored = stored
        self._lock = Lock()
        self._kept: OrderedDict[str, Explanation] = OrderedDict()

    def of(self, made: DecisionMade) -> Explanation:
        """Never raises: whoever looks at a decision sees the rest of it all the same."""
        decision = made.decision
        if decision.reasons or not decision.risks:
            return Explanation(decision.reasons)
        with self._lock:
            known = self._kept.get(decision.decision_id)
        if known is None:
            known = self._made(made)
            if known.missing is None:
                self._keep(decision.decision_id, known)
        return known

    def _keep(self, decision_id: str, explanation: Explanation) -> None:
        with self._lock:
            self._kept[decision_id] = explanation
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)

    def _made(self, made: DecisionMade) -> Explanation:
        by_hand = f"adverdict explain --decision {made.decision.decision_id} makes them"
        model = self._champion.current()[0].model
        if model is None or model.version != made.decision.bundle_version:
            return Explanation((), f"reasons are made by the model that decided, which is not in service now: {by_hand}")
        try:
            reasons = self._intake.reasons(made).result(timeout=SECONDS)
            if reasons is None and self._soon_read(made.decision.history_seq or 0):
                reasons = self._as_known_then(made, model)
        except (AdverdictError, TookTooLong, CancelledError, ArithmeticError, ValueError, KeyError):
            return Explanation((), f"reasons could not be made just now: look again later, or {by_hand}")
        if reasons is None:
            return Explanation((), f"what was known of this advertiser then has to be read back first, which takes long: {by_hand}")
        return Explanation(reasons)

    def _soon_read(self, seq: int) -> bool:
        """Whether few entries lie between the beginning, or a store, and one."""
        store = self._stored.store() if self._stored is not None else None
        begins = 0 if store is None else store.listing.stands_on.seq
        return seq <= READ_BACK or begins <= seq <= begins + READ_BACK

    def _as_known_then(self, made: DecisionMade, model: Model) -> tuple[Reason, ...] | None:
        seq = made.decision.history_seq
        if seq is None:
            return reasons_again(made, model, None)
        refuse_lost_history(self._ledger, made)
        return reasons_again(made, model, LedgerHistory(self._ledger, model.snapshot, self._stored).catch_up(seq))


class GoldenChecks:
    """What the model in service says of golden ads, asked of the intake as reasons are, and kept as long: a reviewer who had to wait longer
    for one of the two would know which it is."""

    def __init__(self, intake: Intake, champion: Champion) -> None:
        self._intake = intake
        self._champion = champion
        self._lock = Lock()
        self._kept: OrderedDict[tuple[str, str, Explained], Decision] = OrderedDict()

    def of(self, golden_id: str, ad: Ad, explain: Explained = "all") -> Decision | None:
        """None where it cannot be asked now."""
        model = self._champion.current()[0].model
        asked = golden_id, model.version if model else "", explain
        with self._lock:
            known = self._kept.get(asked)
        if known is not None:
            return known
        try:
            made = self._intake.check(ad, explain).result(timeout=SECONDS)
        except (AdverdictError, TookTooLong, CancelledError, ArithmeticError, ValueError, KeyError):
            return None
        with self._lock:
            self._kept[asked] = made
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return made
