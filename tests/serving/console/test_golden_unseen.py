"""What a reviewer sees beside the ad says nothing of whether its task is golden: a classifier of it does no better than chance."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_predict
from sqlalchemy import select
from starlette.responses import Response
from starlette.testclient import TestClient

from adverdict.decisions.policy import PolicyBook
from adverdict.ledger.schema import tasks
from adverdict.ledger.store import Ledger
from adverdict.review.queue import Queue
from adverdict.review.tasks import golden
from adverdict.review.tasks.settings import ReviewSettings
from adverdict.serving.console.parts import Parts
from tests.serving.console.conftest import Visitor, log_in
from tests.serving.console.filled import NOW, POLICIES, an_ad, fill, violated
from tests.serving.console.test_review import form_of

TASKS = 240
SETTINGS = ReviewSettings(double_share=0.25, golden_share=0.5)


@pytest.fixture
def parts(packaged: PolicyBook, tmp_path: Path) -> Iterator[Parts]:
    """Reviews that wait, and as many ads whose answer is known; half of the tasks that come are of the latter."""
    ledger = Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}")
    world = fill(ledger, packaged, tmp_path, 600, answered=0.0)
    with ledger.change() as connection:
        golden.keep(connection, [_item(number) for number in range(TASKS)])
    yield Parts(**{**vars(world.parts), "queue": Queue(ledger, packaged, SETTINGS, lambda: NOW)})
    ledger.close()


def _item(number: int) -> golden.GoldenItem:
    ad = an_ad(200_000 + number, NOW - timedelta(days=1), random.Random(number))
    return golden.GoldenItem(f"gld-{number + 1000:032x}", ad, {policy: policy in violated(ad) for policy in POLICIES})


@pytest.mark.slow
def test_whether_a_task_is_golden_follows_from_nothing_that_a_reviewer_sees_beside_the_ad(parts: Parts, visit: Visitor) -> None:
    client, rng = log_in(visit(parts)), random.Random(3)
    seen, ids = [], []
    while len(ids) < TASKS:
        page = client.get("/console/review")
        if '<form id="task"' not in page.text:
            break
        form = form_of(page.text)
        put_back = rng.random() < 0.3 and form["task"] not in ids
        answer = _leave(client, form) if put_back else client.post("/console/review/answer", data={**form, "verdict": "approve"})
        if form["task"] not in ids:
            ids.append(form["task"])
            seen.append(_beside_the_ad(page, form, answer))
    with parts.ledger.look() as connection:
        kinds = {row.task_id: row.kind for row in connection.execute(select(tasks.c.task_id, tasks.c.kind))}
    is_golden = np.array([kinds[one] == "golden" for one in ids])
    assert min(is_golden.sum(), (~is_golden).sum()) > TASKS / 5
    model = RandomForestClassifier(300, min_samples_leaf=5, random_state=0)
    auc = roc_auc_score(is_golden, cross_val_predict(model, np.array(seen), is_golden, cv=10, method="predict_proba")[:, 1])
    assert auc < 0.5 + 4 * _error(is_golden), "four standard errors above chance"


def _leave(client: TestClient, form: dict[str, str]) -> Response:
    return client.post("/console/review/release", data=form)  # type: ignore[return-value]


def _beside_the_ad(page: object, form: dict[str, str], answer: object) -> list[float]:
    """Of the page, its headers and what follows: everything that has a number, but for the ad's own words and risks."""
    text = page.text  # type: ignore[attr-defined]
    for own in (
        r'<section class="panel ad.*?</section>',
        r'<details class="why">.*?</details>',
        r'<p class="small">Most (against|for).*?</p>',
    ):
        text = re.sub(own, "", text, flags=re.S)
    digits = [float(int(one, 16)) for one in form["task"].removeprefix("tsk-")[:12]]
    tags = [float(text.count(f"<{tag}")) for tag in ("section", "div", "details", "dl", "input", "button", "time", "p", "small", "svg")]
    names = [float(len(one.headers)) for one in (page, answer)]  # type: ignore[attr-defined]
    told = [float(len(form)), float(form["token"]), float(answer.status_code)]  # type: ignore[attr-defined]
    return [*digits, *tags, *names, *told]


def _error(is_golden: NDArray[np.bool_]) -> float:
    """Of an AUC of one half (Hanley & McNeil 1982)."""
    some, others = int(is_golden.sum()), int((~is_golden).sum())
    return float(np.sqrt((some + others + 1) / (12 * some * others)))
