"""A sink: changes as lines of JSON, appended to a file. What is delivered again is there again: readers tell it by its ``seq``."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

VARIABLE = "EXAMPLE_SINK_FILE"


class Jsonl:
    def deliver(self, changes: Sequence[Mapping[str, Any]]) -> None:
        with open(os.environ[VARIABLE], "a", encoding="utf-8") as file:
            for change in changes:
                file.write(json.dumps(dict(change)) + "\n")
            file.flush()
            os.fsync(file.fileno())


JSONL = Jsonl()
