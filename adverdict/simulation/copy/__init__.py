"""Templated ad copy in nine languages and six scripts. Everything in it is invented."""

from __future__ import annotations

from adverdict.simulation.copy.arabic import ARABIC
from adverdict.simulation.copy.bulgarian import BULGARIAN
from adverdict.simulation.copy.english import ENGLISH
from adverdict.simulation.copy.german import GERMAN
from adverdict.simulation.copy.greek import GREEK
from adverdict.simulation.copy.hindi import HINDI
from adverdict.simulation.copy.japanese import JAPANESE
from adverdict.simulation.copy.pack import Copy
from adverdict.simulation.copy.portuguese import PORTUGUESE
from adverdict.simulation.copy.swedish import SWEDISH

COPY: dict[str, Copy] = {copy.language: copy for copy in (ENGLISH, GERMAN, SWEDISH, PORTUGUESE, HINDI, JAPANESE, ARABIC, GREEK, BULGARIAN)}
LANGUAGES = tuple(COPY)
