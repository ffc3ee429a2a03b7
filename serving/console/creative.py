"""An ad's picture on a page: what is kept of it, why there is none, and where people find it themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection
from starlette.responses import Response

from adverdict.creatives import keeping
from adverdict.creatives.keeping import Kept
from adverdict.domain.ad import Ad
from adverdict.domain.creatives import link_to
from adverdict.domain.errors import NotFound
from adverdict.domain.formats import moment
from adverdict.review.reasons.marking import Piece, pieces
from adverdict.serving.console.parts import Parts
from adverdict.serving.console.rendering import HOME
from adverdict.serving.console.visits import Visit

TEXT_ONLY = ("text", "search", "responsive_search")
KINDS = {"image": "picture", "animation": "still of an animation", "video": "still of a video", "html5": "picture of an HTML5 ad"}
NO_ADDRESS = "the ad came without the address of its creative (creative_uri)"
NOT_FETCHED = "this installation fetches no creatives (settings ADVERDICT_CREATIVE_…)"


@dataclass(frozen=True)
class Shown:
    """One picture. ``told`` says what it is, to who cannot see it."""

    url: str
    told: str
    at: str


@dataclass(frozen=True)
class Picture:
    """What a page says of an ad's creative."""

    state: Literal["kept", "waiting", "missing"]
    said: str = ""
    """Why there is none, or not yet."""
    shots: tuple[Shown, ...] = ()
    width: int = 0
    height: int = 0
    facts: str = ""
    sounds: bool = False
    """Whether the original may have sound, which nobody hears here."""
    told: str = ""
    """How it was made, where that matters."""
    text: tuple[Piece, ...] = ()
    """That a machine read in it after the ad was decided; the decision knows nothing of it."""
    read_by: str = ""
    link: str | None = None
    """Where people find the creative themselves."""


def picture(parts: Parts, connection: Connection, about: str, ad: Ad) -> Picture | None:
    """Of an ad on record, by its decision or golden item; None where the ad shows none: it is of text, and names no creative."""
    link = link_to(parts.creative_link, ad)
    uri = keeping.uri_of(ad)
    if uri is None:
        return Picture("missing", NO_ADDRESS, link=link) if _shows_one(ad) else None
    known = keeping.kept(connection, about)
    if known is not None and known.state == "kept":
        return _kept(known, ad, link)
    if known is not None and known.state == "refused":
        return Picture("missing", known.said, link=link)
    if not parts.creatives.any:
        return Picture("missing", NOT_FETCHED, link=link)
    return Picture("waiting", known.said if known else "", link=link)


def want(parts: Parts, about: str, ad: Ad) -> None:
    """Have the picture fetched that somebody wants to see, unless that is under way or done."""
    uri = keeping.uri_of(ad)
    if uri is None or not parts.creatives.any:
        return
    with parts.ledger.look() as connection:
        known = keeping.kept(connection, about)
    if known is None:
        with parts.ledger.write() as writing:
            keeping.want(writing.connection, [(about, uri)], parts.clock())


def show(visit: Visit) -> Response:
    """One picture, by the hash of its file: only what was made here, never a byte of what an advertiser sent."""
    content, number = visit.named("content"), visit.named("number")
    if not (len(content) == 64 and content.isalnum() and number.isascii() and number.isdigit() and len(number) < 4):
        raise NotFound("There is no such picture.")
    with visit.parts.ledger.look() as connection:
        body = keeping.frame(connection, content, int(number))
    if body is None:
        raise NotFound("There is no such picture, or it went with its ad.")
    return Response(
        body, media_type="image/jpeg", headers={"content-disposition": "inline", "content-security-policy": "default-src 'none'"}
    )


def _kept(known: Kept, ad: Ad, link: str | None) -> Picture:
    of = KINDS[known.kind]
    shots = []
    for one in known.shots:
        at = f"{one.at:g} s" if one.at is not None and len(known.shots) > 1 else ""
        shots.append(Shown(f"{HOME}/creative/{known.content}/{one.number}", f"{of.capitalize()}{f', at {at}' if at else ''}", at))
    length = f"{known.seconds:g} s" if known.seconds else ""
    stills = f"{len(shots)} stills" if len(shots) > 1 else ""
    size = f"{known.width:,} × {known.height:,}"
    fetched = f"fetched {moment(known.fetched_at)}" if known.fetched_at else ""
    facts = ", ".join(part for part in (known.kind.replace("html5", "HTML5"), size, length, stills, fetched) if part)
    text = pieces(known.text) if known.text and known.text != ad.creative_ocr_text else ()
    moves = known.kind in ("video", "animation")
    return Picture("kept", "", tuple(shots), known.width, known.height, facts, moves, known.told, text, known.read_by, link)


def _shows_one(ad: Ad) -> bool:
    form = (ad.creative_format or "").lower()
    if form in TEXT_ONLY:
        return False
    return bool(form or ad.creative_width or ad.creative_n_images or ad.creative_ocr_text or ad.creative_duration_s)
