"""Ads as IAB Tech Lab's AdCOM 1.0 writes them: JSON lines of its object ``Ad``, each with its ``Audit``; read, and written.

What AdCOM has no place for goes to ``ext.adverdict`` when written, and comes back from there, so that nothing of an ad of ours is lost on
the way. The other way round it is: an ad here has one domain and one category, and no markup, rating or list of attributes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from adverdict.domain.ad import Ad, Label
from adverdict.domain.errors import InvalidTable, Mistake
from adverdict.storage.tables.pieces import Columns, Rows, check_header
from adverdict.storage.tables.reading import Reading
from adverdict.storage.whole import replacing

PENDING, PRE_APPROVED, APPROVED, DENIED, CHANGED, EXPIRED = range(1, 7)
"""AdCOM 1.0, list "Audit Status Codes". Only two are an answer: approved and denied."""
ANSWERS = {APPROVED: False, DENIED: True}
"""Status -> whether the ad violates the policy that the audit is said to be about."""
DESCRIPTION, CALL_TO_ACTION = 2, 12
"""AdCOM 1.0, list "Native Data Asset Types"."""
TEXTS = {DESCRIPTION: "body", CALL_TO_ACTION: "call_to_action"}
MEDIA = ("display", "video", "audio")
KEPT = frozenset({"id", "adomain", "iurl", "cat", "lang", "init", "lastmod", "audit", "ext", *MEDIA})
"""Attributes of ``Ad`` that something is read of."""
OURS = "adverdict"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def adcom_rows(path: Path, columns: Columns, rows: int, reading: Reading) -> Iterator[Rows]:
    """As ``rows.read_rows``. A column ``audit`` says whether the ad was denied: ``--label audit --policy POLICY``.

    Raises InvalidTable where no line holds an ``Ad``.
    """
    names = ["audit", *Ad.model_fields, "labelled_at", "reason"]
    header = [reading.named(name, columns.known) for name in names]
    check_header(path.name, header, columns, reading)
    piece = Rows(path.name)
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                row, aside = _row(json.loads(line))
            except (ValueError, TypeError, AttributeError, KeyError, OverflowError, RecursionError) as error:
                shown = line.strip().decode("utf-8", "replace")
                expected = f"an object Ad of AdCOM 1.0 ({type(error).__name__}: {error})"
                piece.mistakes.append(Mistake("row", shown, expected, f"{path.name} row {number}"))
                continue
            named = {field: row[name] for name, field in zip(names, header, strict=True) if name in row and field in columns.known}
            piece.numbers.append(number)
            piece.values.append(named)
            piece.aside += [sentence for sentence in aside if sentence not in piece.aside]
            if len(piece.values) + len(piece.mistakes) >= rows:
                yield piece
                piece = Rows(path.name)
    yield piece


def write_adcom(path: Path, ads: Iterable[Ad], labels: Iterable[Label]) -> None:
    """One ``Ad`` a line, whole or not at all: denied where a label says that it violates a policy, approved where labels only say no,
    else pending. Raises InvalidTable for a name that does not end in ``.jsonl``.
    """
    if path.suffix != ".jsonl":
        raise InvalidTable(f"cannot write {path.name}", [Mistake("file", path.name, "a name ending in .jsonl")])
    said: dict[str, list[Label]] = {}
    for label in labels:
        said.setdefault(label.ad_id, []).append(label)
    with replacing(path) as half, half.open("w", encoding="utf-8", newline="") as text:
        for ad in ads:
            text.write(json.dumps(_ad(ad, said.get(ad.ad_id, [])), ensure_ascii=False, allow_nan=False) + "\n")


def _row(ad: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The fields of the contract, and what was not kept."""
    aside = [f"{name!r} of Ad is not kept: the data contract has no field for it" for name in sorted(ad.keys() - KEPT)]
    domains, categories = ad.get("adomain") or [], ad.get("cat") or []
    row = {"ad_id": ad["id"], "language": ad.get("lang"), "submitted_at": _moment(ad.get("lastmod") or ad.get("init"))}
    if domains:
        row |= {"advertiser_id": domains[0], "landing_domain": domains[0]}
        aside.append("the advertiser is the first domain of 'adomain'")
    if categories:
        row["creative_category"] = str(categories[0])
    aside += [f"only the first of {name!r} is kept" for name, several in (("adomain", domains), ("cat", categories)) if len(several) > 1]
    media = [name for name in MEDIA if ad.get(name)]
    if len(media) > 1:
        aside.append(f"of {' and '.join(media)} only {media[0]} is kept")
    for name in media[:1]:
        row |= _medium(name, ad[name], aside)
    row.setdefault("creative_uri", ad.get("iurl"))
    row |= (ad.get("ext") or {}).get(OURS) or {}
    row |= _audit(ad.get("audit") or {})
    return {name: value for name, value in row.items() if value is not None}, aside


def _medium(name: str, medium: dict[str, Any], aside: list[str]) -> dict[str, Any]:
    """Of ``Display``, ``Video`` or ``Audio``."""
    row: dict[str, Any] = {"creative_format": name if name != "display" else "image", "creative_uri": medium.get("curl")}
    row |= {"creative_width": medium.get("w"), "creative_height": medium.get("h"), "creative_duration_s": medium.get("dur")}
    if image := (medium.get("banner") or {}).get("img"):
        row["creative_uri"] = image
    for asset in (medium.get("native") or {}).get("asset") or []:
        row["creative_format"] = "native"
        data, image = asset.get("data") or {}, asset.get("img") or {}
        row |= {"title": asset["title"].get("text")} if asset.get("title") else {}
        row |= {"creative_uri": image.get("url"), "creative_width": image.get("w"), "creative_height": image.get("h")} if image else {}
        row |= {field: data.get("value") for kind, field in TEXTS.items() if data.get("type") == kind}
    if medium.get("adm") is not None and name == "display" and "body" not in row:
        markup = medium["adm"]
        row |= {"body": markup if isinstance(markup, str) else json.dumps(markup, ensure_ascii=False), "creative_format": "html"}
        aside.append("'adm' of Display is read as a text, of which the words count and not the markup")
    elif medium.get("adm") is not None:
        aside.append(f"'adm' of {name.capitalize()} is not kept: the data contract has no field for it")
    return row


def _audit(audit: dict[str, Any]) -> dict[str, Any]:
    """Nothing where it is no answer: pending, pre-approved, changed, expired."""
    if audit.get("status") not in ANSWERS:
        return {}
    reason = "; ".join(str(line) for line in audit.get("feedback") or [])
    return {"audit": ANSWERS[audit["status"]], "labelled_at": _moment(audit.get("lastmod") or audit.get("init")), "reason": reason or None}


def _ad(ad: Ad, labels: Sequence[Label]) -> dict[str, Any]:
    submitted = _milliseconds(ad.submitted_at)
    made: dict[str, Any] = {"id": ad.ad_id, "init": submitted, "lastmod": submitted}
    made |= {"adomain": [ad.landing_domain]} if ad.landing_domain else {}
    made |= {"lang": ad.language} if ad.language else {}
    made["audit"] = _audited(labels, submitted)
    medium = {"w": ad.creative_width, "h": ad.creative_height, "dur": ad.creative_duration_s, "curl": ad.creative_uri}
    medium = {name: int(value) if isinstance(value, float) else value for name, value in medium.items() if value is not None}
    texts = {"title": {"text": ad.title}} if ad.title else {}
    assets: list[dict[str, Any]] = [{"id": 1, **texts}] if texts else []
    for kind, value in ((DESCRIPTION, ad.body), (CALL_TO_ACTION, ad.call_to_action)):
        assets += [{"id": len(assets) + 1, "data": {"type": kind, "value": value}}] if value else []
    if ad.creative_format in ("video", "audio"):
        made[ad.creative_format] = medium
    elif assets:
        made["display"] = {**{key: value for key, value in medium.items() if key in ("w", "h", "curl")}, "native": {"asset": assets}}
    elif medium:
        made["display"] = {key: value for key, value in medium.items() if key != "dur"}
    read, _ = _row(made)
    plain = ad.model_dump(mode="json", exclude_none=True)
    lost = {name: value for name, value in plain.items() if name != "submitted_at" and read.get(name) != value}
    lost |= {name: None for name in read.keys() & Ad.model_fields.keys() if name not in plain}
    if read["submitted_at"] != ad.submitted_at:
        lost["submitted_at"] = plain["submitted_at"]
    made["ext"] = {OURS: lost}
    return made


def _audited(labels: Sequence[Label], submitted: int) -> dict[str, Any]:
    if not labels:
        return {"status": PENDING, "init": submitted, "lastmod": submitted}
    against = [label for label in labels if label.violates]
    feedback = [f"{label.policy}: {label.reason}" if label.reason else label.policy for label in against]
    at = _milliseconds(max(label.labelled_at for label in labels))
    return {"status": DENIED if against else APPROVED, "feedback": feedback, "init": submitted, "lastmod": at}


def _moment(milliseconds: Any) -> datetime | None:
    """AdCOM's times are milliseconds since 1970."""
    return None if milliseconds is None else EPOCH + timedelta(milliseconds=milliseconds)


def _milliseconds(at: datetime) -> int:
    return (at - EPOCH) // timedelta(milliseconds=1)
