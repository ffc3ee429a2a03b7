"""An ad as its viewer would see it, without asking anybody for a picture."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from adverdict.decisions.markets import named_market
from adverdict.domain.ad import Ad
from adverdict.domain.decision import Reason
from adverdict.domain.identity import surface_key
from adverdict.review.reasons.marking import SHOWN, Piece, pieces
from adverdict.serving.console.words import count

LANGUAGE = re.compile(r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*\Z")
WIDE, TALL = 2.4, 0.8
"""A frame is drawn no wider and no taller for its height than this; more would leave no room for the text."""


@dataclass(frozen=True)
class Media:
    """The frame a picture or a video would fill. ``width`` and ``height`` in units of the drawing."""

    kind: Literal["image", "video", "carousel", "audio"]
    told: str
    width: int
    height: int


@dataclass(frozen=True)
class Card:
    """What the templates draw. Texts come from strangers."""

    layout: Literal["search", "feed", "video"]
    surface: str
    language: str | None
    """A BCP 47 tag, for the browser's choice of letters; None when it is not known."""
    domain: str | None
    title: tuple[Piece, ...]
    body: tuple[Piece, ...]
    call: tuple[Piece, ...]
    words: tuple[Piece, ...]
    """Text in the picture."""
    keywords: tuple[tuple[Piece, ...], ...]
    media: Media | None
    more: int
    """Characters that are not shown."""
    facts: tuple[tuple[str, str], ...]


def card(ad: Ad, reasons: Sequence[Reason] = ()) -> Card:
    texts = (ad.title, ad.body, ad.call_to_action, ad.creative_ocr_text)
    title, body, call, words = (pieces(text, reasons) for text in texts)
    return Card(
        layout=_layout(ad),
        surface=ad.surface or "any surface",
        language=ad.language if ad.language and LANGUAGE.match(ad.language) else None,
        domain=ad.landing_domain,
        title=title,
        body=body,
        call=call,
        words=words,
        keywords=tuple(pieces(word, reasons) for word in (ad.keywords or ())[:30]),
        media=_media(ad),
        more=sum(max(0, len(text or "") - SHOWN) for text in texts),
        facts=tuple(_facts(ad)),
    )


def _layout(ad: Ad) -> Literal["search", "feed", "video"]:
    surface = surface_key(ad.surface)
    if "video" in surface or (ad.creative_format or "").lower().startswith("video"):
        return "video"
    return "search" if "search" in surface else "feed"


def _media(ad: Ad) -> Media | None:
    form = (ad.creative_format or "").lower()
    kind: Literal["image", "video", "carousel", "audio"]
    if "video" in form or (not form and ad.creative_duration_s):
        kind = "video"
    elif "audio" in form:
        kind = "audio"
    elif "carousel" in form or (ad.creative_n_images or 0) > 1:
        kind = "carousel"
    elif form in ("text", "search", "responsive_search") or not (form or ad.creative_width or ad.creative_n_images or ad.creative_ocr_text):
        return None
    else:
        kind = "image"
    size = f"{count(ad.creative_width)} × {count(ad.creative_height)}" if ad.creative_width and ad.creative_height else None
    length = f"{ad.creative_duration_s:g} s".replace("e+", "e") if ad.creative_duration_s else None
    images = f"{count(ad.creative_n_images)} images" if ad.creative_n_images is not None and ad.creative_n_images > 1 else None
    ratio = ad.creative_width / ad.creative_height if ad.creative_width and ad.creative_height else 16 / 9
    return Media(kind, ", ".join(part for part in (form or kind, size, length, images) if part), *_frame(ratio))


def _frame(ratio: float) -> tuple[int, int]:
    ratio = min(max(ratio, TALL), WIDE)
    return 320, round(320 / ratio)


def _facts(ad: Ad) -> list[tuple[str, str]]:
    """What a viewer does not see and a reviewer may need."""
    verified = {True: "verified", False: "not verified", None: None}[ad.advertiser_verified]
    licences = None if ad.advertiser_licences is None else ", ".join(ad.advertiser_licences) or "none on record"
    kids = {True: "yes", False: "no", None: None}[ad.creative_made_for_kids]
    known = [
        ("market", named_market(ad.market)),
        ("language", ad.language),
        ("surface", ad.surface),
        ("category", ad.creative_category),
        ("made for kids", kids),
        ("expected impressions", count(ad.impressions) if ad.impressions is not None else None),
        ("advertiser", ad.advertiser_id),
        ("account", verified),
        ("account since", f"{ad.advertiser_created_at:%Y-%m-%d}" if ad.advertiser_created_at else None),
        ("licences", licences),
    ]
    return [(name, value) for name, value in known if value]
