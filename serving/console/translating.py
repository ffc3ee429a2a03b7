"""An ad in the reviewers' language, by a plug-in: a help to read it, marked as a machine's, and nothing that anybody decides by."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from adverdict.domain import plugins
from adverdict.domain.ad import Ad
from adverdict.domain.identity import language_key
from adverdict.domain.plugins import Translator
from adverdict.domain.settings import Settings
from adverdict.domain.traces import trace
from adverdict.review.reasons.marking import SHOWN
from adverdict.review.tasks.draws import Draws

log = logging.getLogger("adverdict.console")
PARTS = {"title": "Title", "body": "Text", "call_to_action": "Button", "creative_ocr_text": "In the picture"}
LEFT_OUT = 1 / 12
"""So many of tasks are shown without a translation, as every golden one is: else its absence would tell a golden task."""


@dataclass(frozen=True)
class Translation:
    """``texts``: what each part of the ad says in ``language``, by what the part is called. ``by``: the plug-in's name."""

    language: str
    by: str
    texts: tuple[tuple[str, str], ...]


Translate = Callable[[Ad], Translation | None]
"""None: there is nothing to translate, or it could not be."""


def nobody(ad: Ad) -> Translation | None:
    """Where no translator is set."""
    return None


def translator_of(settings: Settings) -> Translate:
    """By the plug-in that the settings name. Raises InvalidSettings where nobody offers it."""
    if not settings.translator:
        return nobody
    plugins.known(plugins.TRANSLATORS, [settings.translator], "ADVERDICT_TRANSLATOR")
    translator: Translator = plugins.plugin(plugins.TRANSLATORS, settings.translator)
    return translating(translator, settings.translator, settings.translate_to)


def translating(translator: Translator, name: str, target: str) -> Translate:
    """Each text once, as long as it is remembered: a page is asked for several times."""

    @lru_cache(maxsize=500)
    def once(texts: tuple[str, ...], source: str | None) -> tuple[str, ...]:
        made = tuple(translator.translate(texts, source, target))
        if len(made) != len(texts):
            raise ValueError(f"{len(made)} texts, expected {len(texts)}")
        return made

    def translate(ad: Ad) -> Translation | None:
        if ad.language is not None and language_key(ad.language) == language_key(target):
            return None
        said = {title: text[:SHOWN] for field, title in PARTS.items() if (text := getattr(ad, field))}
        if not said:
            return None
        try:
            made = once(tuple(said.values()), ad.language)
        except Exception as error:  # somebody else's code: the reviewer reads the ad without it
            log.error("the translator %s failed; the task is shown without a translation: %s", name, trace(error))
            return None
        changed = tuple((title, text) for (title, before), text in zip(said.items(), made, strict=True) if text != before)
        return Translation(target, name, changed) if changed else None

    return translate


def left_out(draws: Draws, kind: str, task_id: str) -> bool:
    """Whether a task is shown without: golden ones, for they measure how a reviewer reads, and enough others by chance."""
    return draws.draw("untranslated", task_id) < LEFT_OUT or kind == "golden"
