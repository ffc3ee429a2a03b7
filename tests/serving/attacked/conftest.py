from __future__ import annotations

from tests.serving.console.conftest import empty, ledger, packaged, visit, world

__all__ = ["empty", "ledger", "packaged", "visit", "world"]
