"""Where changes can be seen and asked for: over HTTP, on the command line, on their page; and who else is told of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from adverdict.cli.main import app
from adverdict.delivery.channels import Channel, filler
from adverdict.delivery.following import follow
from adverdict.delivery.posting import Away
from adverdict.delivery.sinks import sinks_named
from adverdict.domain import plugins
from adverdict.domain.errors import InvalidSettings
from adverdict.domain.settings import read_settings
from adverdict.ledger.bodies.copies import Unwound
from adverdict.ledger.entries import Carried
from adverdict.ledger.store import Ledger, now
from adverdict.serving.assembly import assemble
from adverdict.serving.worker.metrics import Metrics
from adverdict.serving.worker.watches.delivery import HELD, DeliveryWatch
from tests.decisions.build import POLICY, book
from tests.ledger.made import about, an_ad, append_decisions, decided, resolved
from tests.review.desk import Clock
from tests.scoring.fakes import FakeRegistry, open_fake
from tests.serving.conftest import Serve, usual
from tests.serving.test_metrics import key, samples

KEYS = ",".join(f"{name}:{name}:{hashlib.sha256(name.encode()).hexdigest()}" for name in ("score", "label"))


def change(ledger: Ledger, *ads: int, at: datetime | None = None) -> None:
    for ad in ads:
        append_decisions(ledger, made := decided(an_ad(ad)))
        with ledger.write() as writing:
            writing.append(f"res-{ad}", resolved(made, task_id=f"tsk-{ad}"), at or now())


def test_who_polls_is_told_what_has_changed_since_and_what_cannot_be_asked(serve: Serve, tmp_path: Path) -> None:
    with serve(ADVERDICT_API_KEYS=KEYS) as client:

        def get(asked: str = "", by: str = "score") -> Any:
            return client.get(f"/v1/changes{asked}", headers={"X-API-Key": by})

        assert get().json() == {"changes": [], "next": 0, "more": False}
        opened = Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}", create=False)
        change(opened, 1, 2, 3)
        opened.close()
        told = get("?limit=2").json()
        assert ([one["ad_id"] for one in told["changes"]], told["next"], told["more"]) == (["ad-1", "ad-2"], 2, True)
        rest = get("?after=2").json()
        assert ([one["ad_id"] for one in rest["changes"]], rest["next"], rest["more"]) == (["ad-3"], 3, False)
        assert get("?after=3").json() == {"changes": [], "next": 3, "more": False}
        wrong = get("?after=-1&limit=2000")
        assert (wrong.status_code, [one["field"] for one in wrong.json()["error"]["mistakes"]]) == (400, ["after", "limit"])
        assert "at most 3, the last there is" in get("?after=9").text
        assert get(by="label").status_code == 403


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    monkeypatch.setenv("ADVERDICT_HOME", str(tmp_path))
    ledger = Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}")
    follow(ledger)
    return ledger


def run(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["changes", *arguments])
    return f"{done.exit_code} {' '.join(done.output.split())}"


def test_a_carried_verdict_and_its_unwinding_are_told_to_who_polls(serve: Serve, tmp_path: Path) -> None:
    with serve() as client:
        assert client.get("/v1/changes").json()["changes"] == []
        ledger, copy = Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}", create=False), decided(an_ad(2))
        carried = Carried(decision_id="dec-ad-1", resolution="res-1", distance=0.05, certificate="car-1")
        append_decisions(ledger, copy)
        with ledger.write() as writing:
            writing.append("res-2", resolved(copy).model_copy(update={"by": "copy", "carried": carried}), now())
            writing.append("unw-2", Unwound(**about(copy), source="dec-ad-1", why="a slip", by="lea"), now())
        ledger.close()
        told = [(one["change"], one["ad_id"], one["before"], one["verdict"]) for one in client.get("/v1/changes").json()["changes"]]
        assert told == [("copy", "ad-2", "review", "reject"), ("unwinding", "ad-2", "reject", "review")]


def test_the_command_shows_what_changed_and_what_could_not_be_delivered(here: Ledger, tmp_path: Path) -> None:
    change(here, 1)
    told = run("list", "--json", str(tmp_path / "list.json"))
    assert "ad-1 review review reject" in told
    assert json.loads((tmp_path / "list.json").read_text())["changes"][0]["ad_id"] == "ad-1"
    assert "nothing was refused" in run("list", "--undelivered")
    assert "nobody is to be told" in run("send")
    assert "0 messages will be tried" in run("retry")
    assert "nothing waits for changes with number 4" in run("retry", "changes", "--number", "4")
    assert "whose message it is" in run("retry", "--number", "4")
    assert "a reason: it stays with the message" in run("drop", "changes", "4", "--why", " ")
    here.close()


class Deaf:
    """Does not answer."""

    def __call__(self, bodies: Sequence[str]) -> str:
        raise Away("nobody there")


def test_one_worker_at_a_time_tells_and_metrics_say_what_waits(ledger: Ledger) -> None:
    clock, metrics = Clock(), Metrics(book([POLICY]))
    channel = Channel("changes", Deaf(), filler("changes"))
    one, other = (DeliveryWatch(ledger, [channel], metrics.delivered, clock) for _ in range(2))
    assert (one.look(), other.look()) == (True, False)
    change(ledger, 1, at=clock())
    one.look()
    clock.now += HELD
    assert (other.look(), one.look()) == (True, False)
    found = samples(metrics.render().decode())
    assert found[key("outbox_messages", receiver="changes", state="waiting")] == 1
    assert found[key("outbox_messages", receiver="changes", state="held")] == 0


class NoSink:
    """None."""


def test_a_plug_in_that_the_settings_name_is_told_what_changed(
    here: Ledger, example: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ADVERDICT_SINKS", "jsonl")
    monkeypatch.setenv("EXAMPLE_SINK_FILE", str(tmp_path / "changes.jsonl"))
    assert run("send").endswith("sink jsonl: 0 told, 0 not taken")
    change(here, 1, 2)
    assert run("send").endswith("sink jsonl: 2 told, 0 not taken")
    lines = [json.loads(line) for line in (tmp_path / "changes.jsonl").read_text().splitlines()]
    assert [(one["seq"], one["ad_id"], one["change"], one["verdict"]) for one in lines] == [
        (1, "ad-1", "review", "reject"),
        (2, "ad-2", "review", "reject"),
    ]
    assert "sink jsonl: 2 told in 30 days, 0 waiting, 0 held" in run("list")
    here.close()


def test_plug_ins_that_cannot_be_told_stop_the_start_with_their_names_all_at_once(
    tmp_path: Path, policy_folder: Path, example: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = usual(tmp_path, policy_folder) | {"ADVERDICT_SINKS": "jsonl, warehouse, lake"}
    with pytest.raises(InvalidSettings, match=r"an installed plug-in of adverdict\.sinks: jsonl") as absent:
        assemble(environment, FakeRegistry(), open_fake)
    assert [(one.field, one.value) for one in absent.value.mistakes] == [("ADVERDICT_SINKS", "warehouse"), ("ADVERDICT_SINKS", "lake")]
    points = {"none": f"{__name__}:NoSink", "gone": "no_such_module:Sink"}
    monkeypatch.setattr(plugins, "installed", lambda group: {name: EntryPoint(name, what, group) for name, what in points.items()})
    with pytest.raises(InvalidSettings) as broken:
        sinks_named(["none", "gone"])
    assert [one.expected for one in broken.value.mistakes] == [
        "a plug-in that can be loaded (TypeError: it has no deliver(changes))",
        "a plug-in that can be loaded (ModuleNotFoundError: No module named 'no_such_module')",
    ]


def test_a_service_tells_whom_the_settings_name(tmp_path: Path, policy_folder: Path) -> None:
    environment = usual(tmp_path, policy_folder) | {"ADVERDICT_CHANGES_URL": "https://ads.example/c", "ADVERDICT_CHANGES_SECRET": "ab" * 16}
    environment |= {"ADVERDICT_WEBHOOK_URL": "https://pager.example/h", "ADVERDICT_WEBHOOK_SECRET": "cd" * 16}
    runtime = assemble(environment, FakeRegistry(), open_fake)
    delivery = next(one for one in runtime.watches if isinstance(one, DeliveryWatch))
    assert [one.name for one in delivery._channels] == ["changes", "monitoring"]
    assert read_settings(environment).changes_url == "https://ads.example/c"
    runtime.close()


def test_changes_that_were_kept_long_enough_are_gone_and_asking_for_them_says_so(ledger: Ledger) -> None:
    from adverdict.domain.errors import InvalidInput
    from adverdict.serving.http.endpoints.changes import _changes

    follow(ledger, now)
    change(ledger, 1, 2, at=now() - timedelta(days=40))
    follow(ledger, now)
    change(ledger, 3)
    assert [one.ad_id for one in _changes(ledger, 0, 10).changes] == ["ad-3"]
    with pytest.raises(InvalidInput, match="at least 2: changes are kept for 30 days"):
        _changes(ledger, 1, 10)
