"""A translator: word by word from a small glossary, so that the example needs no model and no network."""

from __future__ import annotations

import re
from collections.abc import Sequence

ENGLISH = {
    "sv": {"gratis": "free", "pengar": "money", "spara": "save", "vinn": "win", "nu": "now"},
    "de": {"gratis": "free", "geld": "money", "sparen": "save", "gewinnen": "win", "jetzt": "now"},
    "es": {"gratis": "free", "dinero": "money", "ahorra": "save", "gana": "win", "ahora": "now"},
}


class Glossary:
    def translate(self, texts: Sequence[str], source: str | None, target: str) -> Sequence[str]:
        known = ENGLISH.get((source or "").split("-")[0].lower(), {}) if target.split("-")[0] == "en" else {}
        return [re.sub(r"\w+", lambda word: known.get(word[0].lower(), word[0]), text) for text in texts]


GLOSSARY = Glossary()
