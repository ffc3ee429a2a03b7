"""One process that comes to know the history, in one way, and says what that took: ``python -m adverdict.benchmarks.history.child``."""

from __future__ import annotations

import hashlib
import json
import resource
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from adverdict.domain.ad import Ad
    from adverdict.features.history.known import History, HistoryCounts

ASKED = 2000
"""Ads whose counts are compared and timed."""
ROUND = 256
MIB = 2**20


def chain(url: str, _: str) -> History:
    """As a worker without a store: every entry is read."""
    from adverdict.ledger.history import LedgerHistory
    from adverdict.ledger.store import Ledger

    return LedgerHistory(Ledger.open(url, create=False)).catch_up()


def store(url: str, folder: str) -> History:
    """As a worker with a store."""
    from adverdict.ledger.history import LedgerHistory
    from adverdict.ledger.store import Ledger
    from adverdict.ledger.stored.folder import HistoryFolder

    return LedgerHistory(Ledger.open(url, create=False), shortcut=HistoryFolder(Path(folder))).catch_up()


def folder(_: str, folder: str) -> History:
    """The store alone, where there is no ledger of its events."""
    from adverdict.features.history.store.layered import LayeredHistory
    from adverdict.features.history.store.reading import HistoryStore

    return LayeredHistory(HistoryStore.open(Path(folder)))


WAYS: dict[str, Callable[[str, str], History]] = {"chain": chain, "store": store, "folder": folder}


def main(way: str, url: str, where: str, n: int, model: str) -> dict[str, Any]:
    """What it took until the history was there, and the first ad was scored where a ``model`` is named; then what counting takes."""

    import_module("adverdict.ledger.stored.folder")  # brings every library that either way uses
    bundle = _bundle(model) if model else None
    loaded = used()
    history = WAYS[way](url, where)
    known = used()
    from adverdict.benchmarks.history.synthetic import DAYS, START, SyntheticAds

    synthetic = SyntheticAds(n)
    numbers = range(0, n, max(1, n // ASKED))
    ads = [synthetic.ad(number, START + timedelta(days=DAYS + 1)) for number in numbers][:ASKED]
    del synthetic
    figures: dict[str, Any] = {"loaded": loaded, "known": known}
    if bundle is not None:
        bundle.score(ads[:1], history)
        figures["scored"] = used()
    figures["counts"], figures["us"] = _counted(history, ads)
    return figures | {"after": used()}


def used() -> dict[str, float]:
    """Of this process so far: the clock, CPU seconds, and MiB; ``private`` are its own alone, the rest is shared with whoever maps it."""
    spent = resource.getrusage(resource.RUSAGE_SELF)
    kept = {line.split(":")[0]: line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("Rss")}
    anonymous, mapped = (int(kept.get(name, 0)) / 1024 for name in ("RssAnon", "RssFile"))
    peak = spent.ru_maxrss / 1024
    return {"at": time.time(), "cpu_s": spent.ru_utime + spent.ru_stime, "private_mib": anonymous, "mapped_mib": mapped, "peak_mib": peak}


def _bundle(model: str) -> Any:
    from adverdict.models.bundle import load_bundle

    return load_bundle(Path(model))


def _counted(history: History, ads: list[Ad]) -> tuple[str, dict[str, float]]:
    """A digest of the counts, and CPU microseconds an ad: one by one, and in rounds."""
    from adverdict.benchmarks.shared.killable import POLICIES

    found = history.counts(ads, POLICIES)
    taken = {}
    for name, size in (("one by one", 1), (f"{ROUND} at once", ROUND)):
        begin = time.process_time()
        for start in range(0, len(ads), size):
            history.counts(ads[start : start + size], POLICIES)
        taken[name] = (time.process_time() - begin) / len(ads) * 1e6
    return _digest(found), taken


def _digest(counts: HistoryCounts) -> str:
    from dataclasses import fields

    digest = hashlib.sha256()
    for kind in ("advertiser", "creative", "domain", "market"):
        entity = getattr(counts, kind)
        for field in fields(entity):
            digest.update(getattr(entity, field.name).tobytes())
    for name in ("advertiser_markets", "advertiser_domains", "creative_advertisers", "domain_advertisers", "advertiser_formats"):
        digest.update(getattr(counts, name).tobytes())
    return digest.hexdigest()


def made(what: str, source: str, target: str, memory: int) -> dict[str, Any]:
    """A store, from a ledger ("refresh") or from synthetic events ("build"), and what making it took beside loading the libraries."""
    from adverdict.features.history.store.building import build
    from adverdict.features.history.store.events import EventFolder
    from adverdict.features.history.store.layout import StandsOn
    from adverdict.ledger.store import Ledger
    from adverdict.ledger.stored.folder import HistoryFolder

    before = used()
    if what == "refresh":
        HistoryFolder(Path(target)).refresh(Ledger.open(source, create=False), memory=memory)
    else:
        events = EventFolder(Path(source))
        build(events, Path(target), StandsOn(seq=events.until or 0, chain="", founded=False, base=None), memory=memory)
    after = used()
    return {"seconds": after["at"] - before["at"], "cpu_s": after["cpu_s"] - before["cpu_s"], "peak_mib": after["peak_mib"]}


if __name__ == "__main__":
    way, url, where, number, *more = sys.argv[1:]
    told = main(way, url, where, int(number), "".join(more)) if way in WAYS else made(way, url, where, int(number))
    sys.stdout.write(json.dumps(told) + "\n")
