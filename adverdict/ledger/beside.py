"""What is kept beside the chain, as far as the chain can contradict it: cheap questions to the database, answered without reading contents.

Tables beside the chain may be changed, so most of what they say is covered by nothing. But a task that is closed without an answer on
record, or a decision for review whose task is gone, is an ad that nobody will look at.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, text

COVERS = (
    "every entry of the chain and its content, the versions of policies, thresholds and histories that they name, that the database has no "
    "triggers or rules, and that tasks do not contradict the chain"
)
LEAVES = (
    "reviewers and their skills, golden items, leases and due moments of tasks, sessions, idempotency keys, and counts made of the chain: "
    "these are kept beside it and may be changed by whoever can write to the database"
)
SHOWN = 20
"""Tasks told of each kind; the rest are counted."""

_STRANGE = {
    "sqlite": "SELECT 'trigger', name, tbl_name FROM sqlite_master WHERE type = 'trigger' ORDER BY name",
    "postgresql": """
        SELECT 'trigger', t.tgname, c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
        WHERE NOT t.tgisinternal AND c.relnamespace = current_schema()::regnamespace
        UNION ALL
        SELECT 'rule', r.rulename, r.tablename FROM pg_rules r WHERE r.schemaname = current_schema()
        ORDER BY 1, 2
    """,
}
_UNANSWERED = """
    SELECT t.task_id FROM tasks t LEFT JOIN entries e ON e.entry_id = 'ans-' || t.task_id
    WHERE t.state = 'done' AND e.seq IS NULL ORDER BY t.task_id
"""
_ANSWERED = """
    SELECT t.task_id FROM tasks t JOIN entries e ON e.entry_id = 'ans-' || t.task_id WHERE t.state <> 'done' ORDER BY t.task_id
"""
_ABOUT_NOTHING = """
    SELECT t.task_id FROM tasks t LEFT JOIN entries e ON e.entry_id = t.about
    WHERE t.kind <> 'golden' AND e.seq IS NULL ORDER BY t.task_id
"""
_NOBODY_ASKED = """
    SELECT c.seq FROM contents c JOIN entries e ON e.seq = c.seq
    WHERE e.kind = 'decision' AND c.verdict = 'review' AND c.step IS NULL
    AND NOT EXISTS (SELECT 1 FROM tasks t WHERE t.about = e.entry_id)
"""


def strange(connection: Connection) -> Iterator[str]:
    """Triggers and rules: this software makes none, and they could write whatever they like with every entry."""
    for kind, name, table in connection.execute(text(_STRANGE[connection.dialect.name])):
        yield f"the table {table} has a {kind}, {name}, which this software did not make: what is written may be changed by it"


def contradicted(connection: Connection) -> Iterator[str]:
    """Tasks that the chain contradicts."""
    for query, what in (
        (_UNANSWERED, "is closed as answered, and no answer is on record"),
        (_ANSWERED, "has an answer on record, and is not closed as answered"),
        (_ABOUT_NOTHING, "is about a decision that is not on record"),
    ):
        found = connection.scalars(text(query)).all()
        yield from (f"task {task_id} {what}" for task_id in found[:SHOWN])
        if len(found) > SHOWN:
            yield f"{len(found) - SHOWN:,} more tasks: each {what}"


def nobody_asked(connection: Connection) -> frozenset[int]:
    """Decisions for review, by seq, about which there is no task. Of those that the service recorded there are none."""
    return frozenset(connection.scalars(text(_NOBODY_ASKED)))
