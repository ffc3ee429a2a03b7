"""Kill -9 of the service at random moments while clients send ads and labels; afterwards everything that was answered must be on record.

A client without an Idempotency-Key does not ask again when its connection breaks, and cannot know what was decided. One with a key asks
again until it is answered, and must get one decision however often it asked.
"""

from __future__ import annotations

import http.client
import json
import random
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select

from adverdict.benchmarks.shared.killable import MARKETS, KillableService, told_by, write_policies
from adverdict.benchmarks.shared.network import free_port
from adverdict.domain.ad import Ad, Label
from adverdict.domain.decision import Decision
from adverdict.features.history.asof import counts_asof
from adverdict.ledger.entries import DecisionMade, Entry
from adverdict.ledger.history import LedgerHistory
from adverdict.ledger.said import labels_of
from adverdict.ledger.schema import tasks
from adverdict.ledger.store import Ledger
from adverdict.ledger.verify import verify

CLIENTS = 4
ADVERTISERS = 12
AFTER_ANSWER = (0.05, 0.5)
"""Seconds from the first answer after a start to the kill."""
AFTER_START = (0.0, 0.5)
"""Seconds from the start itself, for ``EARLY`` of the kills: also migrations, the founding and catching up are interrupted."""
EARLY = 0.15
KILLS_A_LEDGER = 50
"""Then a new one is begun: every start reads the whole ledger, and a long one would leave time for little else."""
OFFLINE = 200
"""Decisions a ledger whose history is also computed offline, from the whole table."""
PATIENCE = 60.0

Figures = dict[str, Any]


@dataclass
class Witness:
    """What clients know: only what was answered to them. Used by several threads."""

    answered: dict[str, Decision] = field(default_factory=dict)
    """By ad."""
    labelled: dict[str, list[str]] = field(default_factory=dict)
    """Entries that recorded a request of labels, by its key."""
    keyed: set[str] = field(default_factory=set)
    """Ads that were sent with a key."""
    broken: int = 0
    """Connections that broke with a request under way."""
    retries: int = 0
    contradicted: list[str] = field(default_factory=list)
    """Answers to the same key that differ."""
    unexpected: list[str] = field(default_factory=list)
    """Answers that are neither a decision nor an apology to be expected."""


def kills(url: Callable[[], Any], count: int, seed: int, advance: Callable[[], None] = lambda: None) -> Figures:
    """``count`` kills over as many ledgers as it takes; ``url``: a context manager giving the URL of a new database."""
    total: Counter[str] = Counter()
    while total["kills"] < count:
        with url() as database, tempfile.TemporaryDirectory(prefix="adverdict-kills-") as home:
            these = min(KILLS_A_LEDGER, count - total["kills"])
            witness = _stormed(database, Path(home), these, seed + total["kills"], advance)
            total += Counter({"kills": these, **judge(database, witness)})
    names = (*_COUNTED, "kills")
    return {name: total[name] for name in names}


def _stormed(database: str, home: Path, count: int, seed: int, advance: Callable[[], None]) -> Witness:
    witness, draw, port = Witness(), random.Random(seed), free_port()
    environment = {
        "ADVERDICT_HOME": str(home),
        "ADVERDICT_POLICIES": str(write_policies(home / "policies")),
        "ADVERDICT_DATABASE_URL": database,
        "ADVERDICT_POLL_SECONDS": "3600",
        "BENTOML_HOME": str(home / "bentoml"),
        "BENTOML_DO_NOT_TRACK": "true",
        "OMP_NUM_THREADS": "1",
    }
    with KillableService(environment, port) as service:
        clients = [_Client(port, number, seed, witness) for number in range(CLIENTS)]
        for client in clients:
            client.start()
        try:
            for _ in range(count):
                before = len(witness.answered)
                service.start()
                if draw.random() < EARLY:
                    time.sleep(draw.uniform(*AFTER_START))
                else:
                    _until(lambda before=before: len(witness.answered) > before, "an answer after a start")  # type: ignore[misc]
                    time.sleep(draw.uniform(*AFTER_ANSWER))
                service.kill()
                advance()
            service.start()
        finally:
            for client in clients:
                client.stop()
        for client in clients:
            client.join(PATIENCE)
            if client.is_alive():
                raise TimeoutError("a client was not answered after the last start")
        service.kill()
    return witness


class _Client(threading.Thread):
    """Sends one ad after another, and now and then labels on what it has sent, until told to stop and answered."""

    def __init__(self, port: int, number: int, seed: int, witness: Witness) -> None:
        super().__init__(name=f"client {number}", daemon=True)
        self._port, self._number, self._witness = port, number, witness
        self._draw = random.Random(f"{seed} {number}")
        self._connection: http.client.HTTPConnection | None = None
        self._stopping = threading.Event()
        self._sent = 0

    def stop(self) -> None:
        self._stopping.set()

    def run(self) -> None:
        while not self._stopping.is_set():
            self._sent += 1
            ad = self._ad()
            key = f"key-{ad['ad_id']}" if self._draw.random() < 0.5 else None
            if key:
                self._witness.keyed.add(ad["ad_id"])
            if not self._decide(ad, key):
                continue
            if key and self._draw.random() < 0.2:
                self._decide(ad, key)
            if self._draw.random() < 0.2:
                self._label(ad)
        self._disconnect()

    def _decide(self, ad: dict[str, Any], key: str | None) -> bool:
        answer = self._ask("/v1/score", ad, key)
        if answer is None:
            return False
        decision = Decision.model_validate(answer)
        before = self._witness.answered.setdefault(ad["ad_id"], decision)
        if before != decision:
            self._witness.contradicted.append(ad["ad_id"])
        return True

    def _label(self, ad: dict[str, Any]) -> None:
        violates = self._draw.random() < 0.3
        label = {"ad_id": ad["ad_id"], "policy": "deceptive", "violates": violates, "labelled_at": datetime.now(UTC).isoformat()}
        key = f"label-{ad['ad_id']}"
        answer = self._ask("/v1/labels", {"labels": [label]}, key)
        if answer is not None:
            self._witness.labelled[key] = answer["entries"]

    def _ad(self) -> dict[str, Any]:
        draw = self._draw
        return {
            "ad_id": f"ad-{self._number}-{self._sent}",
            "advertiser_id": f"adv-{draw.randrange(ADVERTISERS)}",
            "market": draw.choice(MARKETS),
            "submitted_at": datetime.now(UTC).isoformat(),
            "title": f"Offer {draw.random()}",
            "landing_domain": f"d{draw.randrange(40)}.example",
        }

    def _ask(self, path: str, body: dict[str, Any], key: str | None) -> Any:
        """The answer; None when the connection broke and there is no key to ask again with."""
        sent = json.dumps(body).encode()
        headers = {"content-type": "application/json", **({"idempotency-key": key} if key else {})}
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if not self._connected():
                time.sleep(0.003)
                continue
            try:
                status, answer = self._exchange(path, sent, headers)
            except (OSError, http.client.HTTPException):
                self._disconnect()
                self._witness.broken += 1
                if key is None:
                    return None
                self._witness.retries += 1
                continue
            if status == 200:
                return json.loads(answer)
            if status != 503:
                self._witness.unexpected.append(f"{status} {answer[:200]!r}")
                return None
            if key is None:
                return None
            time.sleep(0.01)
        raise TimeoutError(f"{path} was not answered within {PATIENCE:g} s")

    def _connected(self) -> bool:
        if self._connection is None:
            connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE)
            try:
                connection.connect()
            except OSError:
                connection.close()
                return False
            self._connection = connection
        return True

    def _exchange(self, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        assert self._connection is not None, "it was connected above"
        self._connection.request("POST", path, body, headers)
        with self._connection.getresponse() as answer:
            content = answer.read()
        if answer.will_close:
            self._disconnect()
        return answer.status, content

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


_COUNTED = (
    "answered",
    "broken",
    "retries",
    "lost",
    "duplicated",
    "contradicted",
    "unexpected",
    "chain_errors",
    "tasks_missing",
    "decisions",
    "history_checked",
    "history_mismatches",
    "offline_checked",
    "offline_mismatches",
)


def judge(database: str, witness: Witness) -> Counter[str]:
    """What the ledger says, held against what clients were told."""
    ledger = Ledger.open(database, create=False)
    entries = list(ledger.read())
    made = {entry.entry_id: entry.body for entry in entries if isinstance(entry.body, DecisionMade)}
    ids = {entry.entry_id for entry in entries}
    times = Counter(one.ad.ad_id for one in made.values())
    wrong = [one for one in witness.answered.values() if one.decision_id not in made or made[one.decision_id].decision != one]
    unrecorded = [key for key, found in witness.labelled.items() if not ids.issuperset(found)]
    with ledger.look() as connection:
        about = set(connection.execute(select(tasks.c.about)).scalars())
    asked = {one.decision.decision_id for one in made.values() if one.decision.verdict == "review" or (one.decision.audit or _NEVER).chosen}
    checked, mismatched = history_mismatches(ledger, list(made.values()))
    offline, off = offline_mismatches(ledger, entries)
    found = Counter(
        answered=len(witness.answered),
        broken=witness.broken,
        retries=witness.retries,
        lost=len(wrong) + len(unrecorded),
        duplicated=sum(number > 1 for number in times.values()),
        contradicted=len(witness.contradicted),
        unexpected=len(witness.unexpected),
        chain_errors=verify(ledger).found,
        tasks_missing=len(asked ^ about),
        decisions=len(made),
        history_checked=checked,
        history_mismatches=mismatched,
        offline_checked=offline,
        offline_mismatches=off,
    )
    ledger.close()
    return found


class _NEVER:
    chosen = False


def history_mismatches(ledger: Ledger, made: Iterable[DecisionMade]) -> tuple[int, int]:
    """Decisions looked at, and how many were not made with the history that follows from the entries up to ``history_seq``."""
    state = LedgerHistory(ledger)
    checked = wrong = 0
    for one in sorted(made, key=lambda one: one.decision.history_seq or 0):
        if one.decision.history_seq is None:
            continue
        counts = state.catch_up(one.decision.history_seq).counts([one.ad], ("deceptive", "gambling"))
        checked += 1
        wrong += any(verdict.risk is None or verdict.risk.p != told_by(counts, 0) for verdict in one.decision.policies)
    return checked, wrong


def offline_mismatches(ledger: Ledger, entries: Sequence[Entry]) -> tuple[int, int]:
    """The same for some decisions, by the features of a whole table at once; and the state at the end against those of every ad."""
    events = [(entry.seq, entry.body) for entry in entries if isinstance(entry.body, DecisionMade)]
    labels = [(entry.seq, label) for entry in entries for label in labels_of(entry)]
    checked = wrong = 0
    step = max(1, len(events) // OFFLINE)
    for _, one in events[::step]:
        until = one.decision.history_seq or 0
        counts = counts_asof([one.ad], _ads(events, until), _labels(labels, until), ("deceptive", "gambling"))
        checked += 1
        wrong += any(verdict.risk is None or verdict.risk.p != told_by(counts, 0) for verdict in one.decision.policies)
    end = entries[-1].seq if entries else 0
    known, state = _ads(events, end), LedgerHistory(ledger).catch_up()
    online, offline = state.counts(known, ("deceptive",)), counts_asof(known, known, _labels(labels, end), ("deceptive",))
    wrong += sum(told_by(online, row) != told_by(offline, row) for row in range(len(known)))
    return checked + len(known), wrong


def _ads(events: Sequence[tuple[int, DecisionMade]], until: int) -> list[Ad]:
    return [one.ad for seq, one in events if seq <= until and one.first]


def _labels(labels: Sequence[tuple[int, Label]], until: int) -> list[Label]:
    return [label for seq, label in labels if seq <= until]


def _until(holds: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > end:
            raise TimeoutError(f"there was not {what} within {PATIENCE:g} s")
        time.sleep(0.002)
