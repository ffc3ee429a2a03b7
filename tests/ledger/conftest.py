from __future__ import annotations

from tests.databases import database_url, ledger, ledger_url, postgres, postgres_template

__all__ = ["database_url", "ledger", "ledger_url", "postgres", "postgres_template"]
