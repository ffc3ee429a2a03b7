"""One ad's words from its creative's draws.

Which form a stance takes is what makes the text hard: the same frame, with the same two phrases the other way round, offers or denies; the
same blunt sentence is a pitch or a warning; and an offer can hide behind a sentence that leaves everything open.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from adverdict.simulation.copy.pack import TOPICS, Copy, Topic

DRAWS = 24
"""Random 32-bit integers that one creative's words take."""
EDITED = (4, 5, 9, 10, 11, 17)
"""The draws that a small edit changes: fillers, claims, their order and the call to action, never what is offered."""


@dataclass(frozen=True, slots=True)
class Brief:
    """What the words must say. ``subject``: index into ``TOPICS``, -1 for everyday goods. ``stance``: 0 denied, 1 unclear, 2 offered."""

    subject: int
    stance: int
    brand: str
    company: str
    late: bool


@dataclass(slots=True)
class Words:
    title: str
    key_sentence: str
    """The sentence that carries the stance, empty for everyday goods. It is part of ``sentences``."""
    sentences: list[str]
    call: str
    keywords: list[str]


def compose(copy: Copy, brief: Brief, draws: Sequence[int]) -> Words:
    """Words in the copy's language, ``draws`` being ``DRAWS`` non-negative integers."""
    claims = [copy.claims[draws[9] % len(copy.claims)]]
    if draws[10] & 1:
        claims.append(copy.claims[(draws[10] >> 1) % len(copy.claims)])
    if draws[12] % 100 < 14:
        claims.append(_aside(copy, brief, draws))
    if brief.subject < 0:
        goods = copy.goods[draws[8] % len(copy.goods)]
        offer, key = goods, ""
        sentences = [_sentence(copy.plain[draws[1] % len(copy.plain)], no=goods, f=copy.fillers[draws[4] % len(copy.fillers)]), *claims]
    else:
        topic = copy.topics[TOPICS[brief.subject]]
        offer = topic.offers[draws[7] % len(topic.offers)].replace("{brand}", brief.brand)
        key = _key_sentence(copy, topic, brief, draws)
        sentences = [key, *claims]
    turn = draws[11] % len(sentences)
    return Words(
        title=_title(copy, offer, brief.company, draws[18]),
        key_sentence=key,
        sentences=sentences[turn:] + sentences[:turn],
        call=copy.calls[draws[17] % len(copy.calls)],
        keywords=_keywords(copy, brief, offer, draws),
    )


def _key_sentence(copy: Copy, topic: Topic, brief: Brief, draws: Sequence[int]) -> str:
    yes, no = topic.yes[draws[2] % len(topic.yes)], topic.no[draws[3] % len(topic.no)]
    blunt = topic.late if brief.late and draws[6] % 100 < 80 else topic.blunt
    f, g = copy.fillers[draws[4] % len(copy.fillers)], copy.fillers[draws[5] % len(copy.fillers)]
    frame, chance = draws[1], draws[0] % 100
    if brief.stance == 2 and chance < 56:
        text = _sentence(copy.pitch[frame % len(copy.pitch)], x=blunt[(draws[6] >> 8) % len(blunt)])
    elif brief.stance == 2 and chance < 88:
        text = _sentence(copy.relation[frame % len(copy.relation)], yes=yes, no=no, f=f, g=g)
    elif brief.stance > 0:
        first, second = (yes, no) if frame >> 8 & 1 else (no, yes)
        text = _sentence(copy.unclear[frame % len(copy.unclear)], a=first, b=second)
    elif chance < 12:
        text = _sentence(copy.warning[frame % len(copy.warning)], x=blunt[(draws[6] >> 8) % len(blunt)])
    elif chance < 46:
        text = _sentence(copy.relation[frame % len(copy.relation)], yes=no, no=yes, f=f, g=g)
    else:
        text = _sentence(copy.plain[frame % len(copy.plain)], no=no, f=f)
    return text.replace("{brand}", brief.brand)


def _aside(copy: Copy, brief: Brief, draws: Sequence[int]) -> str:
    """A denial about some other subject, which makes every ad's bag of words a little guilty."""
    subject = draws[13] % len(TOPICS)
    topic = copy.topics[TOPICS[subject if subject != brief.subject else subject - 1]]
    text = _sentence(
        copy.relation[draws[16] % len(copy.relation)],
        yes=topic.no[draws[14] % len(topic.no)],
        no=topic.yes[draws[15] % len(topic.yes)],
        f=copy.fillers[draws[5] % len(copy.fillers)],
        g=copy.fillers[draws[4] % len(copy.fillers)],
    )
    return text.replace("{brand}", brief.brand)


def _title(copy: Copy, offer: str, company: str, draw: int) -> str:
    style = draw % 4
    title = f"{company}: {offer}" if style == 0 else f"{offer} – {company}" if style == 1 else offer
    title = title[0].upper() + title[1:]
    return title.upper() if style == 2 and copy.language in ("en", "de", "sv", "pt") and draw >> 8 & 1 else title


def _keywords(copy: Copy, brief: Brief, offer: str, draws: Sequence[int]) -> list[str]:
    words = [offer, copy.goods[(draws[8] >> 8) % len(copy.goods)]]
    if brief.subject >= 0 and draws[20] & 1:
        topic = copy.topics[TOPICS[brief.subject]]
        side = topic.yes if draws[20] & 2 else topic.no
        words.append(side[(draws[20] >> 2) % len(side)].replace("{brand}", brief.brand))
    return words


def _sentence(frame: str, **slots: str) -> str:
    text = frame
    for name, phrase in slots.items():
        text = text.replace("{" + name + "}", phrase)
    return text[0].upper() + text[1:]
