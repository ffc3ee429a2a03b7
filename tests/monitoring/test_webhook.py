"""The webhook: what rings is told signed, without an ad's text, until it is confirmed; and the rules name only metrics that exist."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
import yaml

from adverdict.delivery.deliver import Delivered, deliver
from adverdict.delivery.posting import Receiver, posted, signed
from adverdict.domain.errors import InvalidSettings
from adverdict.domain.settings import read_settings
from adverdict.ledger.store import Ledger
from adverdict.monitoring.webhook import channel
from adverdict.serving.worker.metrics import Metrics
from tests.decisions.build import POLICY, book
from tests.ledger.made import emerge, open_market, ring
from tests.review.desk import Clock

SECRET = bytes.fromhex("ab" * 16)
RECEIVER = Receiver("https://pager.example/hook", SECRET)


class Pager:
    """Remembers what it was told; answers as it is to."""

    def __init__(self, *answers: int) -> None:
        self.answers, self.told = list(answers), list[tuple[Mapping[str, str], bytes]]()

    def __call__(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        assert url == RECEIVER.url
        answer = self.answers.pop(0) if self.answers else 200
        if not answer:
            raise OSError("nobody there")
        self.told.append((headers, body))
        return answer


def tell(ledger: Ledger, pager: Pager, clock: Clock) -> Delivered:
    return deliver(ledger, channel(RECEIVER, pager, clock), clock)


def test_what_rings_is_told_once_it_is_confirmed_and_nothing_of_the_past(ledger: Ledger) -> None:
    clock, pager = Clock(), Pager()
    ring(ledger)
    assert tell(ledger, pager, clock).sent == 0
    ring(ledger)
    emerge(ledger)
    open_market(ledger)
    assert tell(ledger, pager, clock).sent == 6
    assert tell(ledger, pager, clock).sent == 0
    told = [json.loads(body) for _, body in pager.told]
    assert [one["event"] for one in told] == ["alarm", "alarm_state", "case", "case_state", "readiness", "readiness_score"]
    assert told[0]["page"] == f"/console/alarms/{told[0]['alarm']}"
    headers, body = pager.told[0]
    expected = hmac.new(SECRET, headers["x-adverdict-timestamp"].encode() + b"." + body, hashlib.sha256).hexdigest()
    assert headers["x-adverdict-signature"] == f"sha256={expected}"


def test_no_text_of_an_ad_or_of_a_person_leaves(ledger: Ledger) -> None:
    clock, pager = Clock(), Pager()
    tell(ledger, pager, clock)
    emerge(ledger)
    ring(ledger)
    tell(ledger, pager, clock)
    everything = b"".join(body for _, body in pager.told)
    assert [word for word in (b"crypto", b"moon", b"a campaign", b"a pump", b"draft") if word in everything] == []


@pytest.fixture
def receiver() -> Iterator[tuple[str, list[bytes]]]:
    """A receiver on this machine, that takes /hook and sends /away elsewhere."""
    got: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(204 if self.path == "/hook" else 302)
            self.send_header("location", "/hook")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", got
    server.shutdown()
    server.server_close()
    thread.join()


def test_it_is_posted_and_no_redirection_is_followed(receiver: tuple[str, list[bytes]]) -> None:
    url, got = receiver
    clock = Clock()
    assert posted(f"{url}/hook", signed(SECRET, b"{}", clock()), b"{}") == 204
    assert posted(f"{url}/away", signed(SECRET, b"{}", clock()), b"{}") == 302
    assert got == [b"{}", b"{}"]
    with pytest.raises(OSError, match="refused"):
        posted("http://127.0.0.1:9/hook", {}, b"")


@pytest.mark.parametrize(
    ("url", "secret", "expected"),
    [
        ("http://pager.example/hook", "ab" * 16, "an https address; http only of this machine"),
        ("ftp://pager.example/hook", "ab" * 16, "an https address"),
        ("https://pager.example/hook", "", "ADVERDICT_WEBHOOK_SECRET"),
        ("https://pager.example/hook", "short", "hexadecimal digits"),
    ],
)
def test_a_webhook_without_a_secret_or_in_the_clear_is_refused(url: str, secret: str, expected: str) -> None:
    with pytest.raises(InvalidSettings) as refused:
        read_settings({"ADVERDICT_WEBHOOK_URL": url, "ADVERDICT_WEBHOOK_SECRET": secret})
    assert expected in str(refused.value)
    assert secret not in str(refused.value) or not secret
    assert read_settings({"ADVERDICT_WEBHOOK_URL": "http://127.0.0.1:9/h", "ADVERDICT_WEBHOOK_SECRET": "ab" * 16}).webhook_url


DEPLOY = Path(__file__).parents[2] / "deploy" / "monitoring"
ENDINGS = re.compile(r"_(total|bucket|count|sum)$")


def expressions() -> list[str]:
    rules = yaml.safe_load((DEPLOY / "prometheus-rules.yaml").read_text(encoding="utf-8"))
    found = [rule["expr"] for group in rules["groups"] for rule in group["rules"]]
    board = json.loads((DEPLOY / "grafana-dashboard.json").read_text(encoding="utf-8"))
    return found + [target["expr"] for panel in board["panels"] for target in panel["targets"]]


@pytest.mark.parametrize("expr", expressions())
def test_rules_and_panels_ask_for_metrics_and_labels_that_there_are(expr: str) -> None:
    known = {m._name: {*m._labelnames, "le"} for m in vars(Metrics(book([POLICY]))).values() if hasattr(m, "_labelnames")}
    asked = re.findall(r"adverdict_\w+", expr)
    assert asked
    names = [one if one in known else ENDINGS.sub("", one) for one in asked]
    assert [one for one in names if one not in known] == []
    labels = {label.strip() for told in re.findall(r"by \(([^)]*)\)", expr) for label in told.split(",")}
    labels |= set(re.findall(r"[{,]\s*(\w+)=", expr))
    assert labels <= set().union(*(known[name] for name in names))
    assert expr.count("(") == expr.count(")")
