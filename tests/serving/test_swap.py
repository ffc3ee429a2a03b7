"""Bundles change while ads keep coming."""

from __future__ import annotations

import threading
from collections import Counter
from functools import partial

import pytest

from tests.scoring.ads import ad
from tests.scoring.fakes import FakeRegistry
from tests.serving.conftest import Serve, until

POLICIES = (["deceptive", "gambling"], ["gambling"], ["deceptive"])


@pytest.mark.slow
def test_no_request_fails_while_bundles_with_other_policies_take_turns(serve: Serve, registry: FakeRegistry) -> None:
    """Four callers, single ads and batches; every answer comes whole from one bundle."""
    registry.bundles = {str(i): {"version": f"v{i}", "policies": POLICIES[i % 3]} for i in range(1, 9)}
    statuses: Counter[int] = Counter()
    mixed: list[object] = []
    seen: set[str] = set()
    done = threading.Event()

    with serve() as client:

        def call(batch: bool) -> None:
            while not done.is_set():
                answer = client.post("/v1/score/batch", json={"ads": [ad()] * 40}) if batch else client.post("/v1/score", json=ad())
                statuses[answer.status_code] += 1
                decisions = answer.json()["results"] if batch else [answer.json()]
                versions = {decision.get("bundle_version") for decision in decisions}
                seen.update(versions)
                for decision in decisions:
                    scored = sorted(verdict["policy"] for verdict in decision["policies"] if verdict["risk"])
                    if len(versions) != 1 or scored != POLICIES[int(decision["bundle_version"][1:]) % 3]:
                        mixed.append(decision)

        callers = [threading.Thread(target=call, args=(batch,)) for batch in (False, False, False, True)]
        for caller in callers:
            caller.start()
        for version in range(2, 9):
            registry.champion, awaited = str(version), f"v{version}"
            until(partial(lambda name: name in seen, awaited))
        done.set()
        for caller in callers:
            caller.join()
    assert set(statuses) == {200}
    assert mixed == []
    assert {f"v{version}" for version in range(2, 9)} <= seen
