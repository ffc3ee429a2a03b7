"""Templated ad copy in nine languages and six scripts. Everything in it is invented."""

from __future__ import annotations

from simulation.copy.arabic import ARABIC
from simulation.copy.bulgarian import BULGARIAN
from simulation.copy.english import ENGLISH
from simulation.copy.german import GERMAN
from simulation.copy.greek import GREEK
from simulation.copy.hindi import HINDI
from simulation.copy.japanese import JAPANESE
from simulation.copy.pack import Copy
from simulation.copy.portuguese import PORTUGUESE
from simulation.copy.swedish import SWEDISH

COPY: dict[str, Copy] = {copy.language: copy for copy in (ENGLISH, GERMAN, SWEDISH, PORTUGUESE, HINDI, JAPANESE, ARABIC, GREEK, BULGARIAN)}
LANGUAGES = tuple(COPY)
