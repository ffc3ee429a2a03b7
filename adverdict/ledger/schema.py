"""The tables. ``entries`` is the chain, ``contents`` what its links stand for; everything else is kept beside it and can change.

Times are int64 microseconds since 1970 UTC in both databases: SQLite has no times, and a chain must not depend on how one is printed.
A change here is a migration in ``ledger/migrations/versions``; a test compares the two.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    false,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

entries = Table(
    "entries",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),  # 1, 2, 3, … without a gap
    Column("kind", String(16), nullable=False),
    Column("entry_id", String(80), nullable=False, unique=True),
    Column("at", BigInteger, nullable=False),
    Column("digest", LargeBinary(32), nullable=False),  # sha256(salt + content): says nothing of a content that was erased
    Column("hash", LargeBinary(32), nullable=False),  # sha256(hash before + everything above)
    Index(None, "kind", "seq"),
)
"""Append-only. Holds no personal data, so that erasing a content leaves the chain whole."""

contents = Table(
    "contents",
    metadata,
    Column("seq", BigInteger, ForeignKey("entries.seq"), primary_key=True, autoincrement=False),
    Column("about", String(80)),  # the decision an entry is about; its own id for a decision
    Column("ad_id", String(200)),
    Column("advertiser_id", String(200)),
    Column("creative_id", String(200)),
    Column("landing_domain", String(200)),
    Column("market", String(2)),
    Column("verdict", String(8)),
    Column("submitted_at", BigInteger),  # of the ad; tells its versions apart
    Column("submission", BigInteger),  # the same where the version had not been decided before: the history reads no more than this
    Column("step", String(80)),  # the rescoring step that recorded a decision; of the step's own entry and of its withdrawal, too
    Column("arm", String(100)),  # of a decision made while a roll-out was on: ROLLOUT/SIDE
    Column("salt", LargeBinary(16), nullable=False),
    Column("body", LargeBinary, nullable=False),  # zlib of canonical JSON
    Column("creative_format", String(200)),  # like the two that follow: the history counts how many an advertiser used
    Column("creative_category", String(200)),
    Column("surface", String(200)),
    Index(None, "about"),
    Index(None, "ad_id", "submission"),
    Index(None, "advertiser_id"),
    Index(None, "creative_id"),
    Index(None, "landing_domain"),
    # Few entries have one, and those that have none need no room in the index.
    Index("ix_contents_step", "step", sqlite_where=text("step IS NOT NULL"), postgresql_where=text("step IS NOT NULL")),
    # Whose ads were rejected, by anybody: strikes are counted from these.
    Index(
        "ix_contents_rejected",
        "advertiser_id",
        "seq",
        sqlite_where=text("verdict = 'reject'"),
        postgresql_where=text("verdict = 'reject'"),
    ),
    Index("ix_contents_arm", "arm", sqlite_where=text("arm IS NOT NULL"), postgresql_where=text("arm IS NOT NULL")),
)
"""One row an entry until it is erased. The columns repeat the body for looking up; verification compares them."""

head = Table(
    "head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False),
    Column("hash", LargeBinary(32), nullable=False),
)
"""One row: the end of the chain. Whoever appends holds it."""

idempotency = Table(
    "idempotency",
    metadata,
    Column("caller", String(64), primary_key=True),
    Column("key", String(200), primary_key=True),
    Column("request", LargeBinary(32), nullable=False),  # sha256 of address and body
    Column("entry_ids", Text, nullable=False),  # JSON list, in the order of the answer
    Column("at", BigInteger, nullable=False),
    Index(None, "at"),
)

kept = Table(
    "kept",
    metadata,
    Column("kind", String(16), primary_key=True),  # policies | policy-files | thresholds | history | audit | rollout-salt | tasks
    Column("digest", String(64), primary_key=True),
    Column("body", LargeBinary, nullable=False),
    Column("at", BigInteger, nullable=False),
)
"""What decisions were made by, as it was then: for replaying them."""

tasks = Table(
    "tasks",
    metadata,
    Column("task_id", String(80), primary_key=True),
    Column("case_id", String(80), nullable=False),  # tasks about one question share a case: nobody reads a case twice
    Column("kind", String(8), nullable=False),  # review | audit | sample | double | senior | appeal | golden
    Column("about", String(80), nullable=False),  # decision; the golden item for a golden task
    Column("ad_id", String(200), nullable=False),
    Column("advertiser_id", String(200), nullable=False),
    Column("market", String(2), nullable=False),
    Column("language", String(35)),
    Column("policies", Text, nullable=False),  # JSON list: what the reviewer is asked
    Column("lane", Text, nullable=False),  # market|language|senior|policies: tasks of a lane ask the same skills
    Column("senior", Boolean, nullable=False, server_default=false()),  # only senior reviewers may take it
    Column("probability", Float, nullable=False),  # with which it was opened, in (0, 1]
    Column("harm", Float, nullable=False),  # expected harm a minute of handling when it was opened
    Column("opened_at", BigInteger, nullable=False),
    Column("due_at", BigInteger, nullable=False),  # the queue's order: earliest first
    Column("state", String(9), nullable=False),  # open | leased | done | withdrawn
    Column("token", BigInteger, nullable=False, server_default="0"),  # fencing: counts the leases
    Column("reviewer", String(64)),
    Column("lease_until", BigInteger),
    Column("closed_at", BigInteger),
    Column("drawn", Text),  # JSON, of a planned sample: policy -> [design, probability]
    Index(None, "state", "due_at"),
    Index(None, "state", "lane", "due_at"),
    Index(None, "case_id"),
    Index(None, "about"),
    Index(None, "advertiser_id"),
    Index(None, "reviewer", "state"),
)

reviewers = Table(
    "reviewers",
    metadata,
    Column("name", String(64), primary_key=True),  # that of the API key
    Column("markets", Text, nullable=False),  # JSON lists; empty means all
    Column("languages", Text, nullable=False),
    Column("policies", Text, nullable=False),
    Column("senior", Boolean, nullable=False, server_default=false()),
    Column("active", Boolean, nullable=False),
)

golden = Table(
    "golden",
    metadata,
    Column("golden_id", String(80), primary_key=True),
    Column("ad", Text, nullable=False),  # JSON
    Column("truth", Text, nullable=False),  # JSON: policy -> whether it is violated
    Column("market", String(2), nullable=False),
    Column("language", String(35)),
)
"""Ads whose verdict is known, shown to reviewers like any other."""

sessions = Table(
    "sessions",
    metadata,
    Column("token", LargeBinary(32), primary_key=True),  # sha256 of the cookie
    Column("name", String(64), nullable=False),
    Column("scopes", Text, nullable=False),  # JSON list
    Column("csrf", String(64), nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Index(None, "expires_at"),
)

leases = Table(
    "leases",
    metadata,
    Column("work", String(40), primary_key=True),
    Column("holder", String(64), nullable=False),
    Column("until", BigInteger, nullable=False),
)
"""Work that one process at a time is to do, and who does it until when."""

volumes = Table(
    "volumes",
    metadata,
    Column("hour", BigInteger, primary_key=True, autoincrement=False),  # its first microsecond
    Column("market", String(2), primary_key=True),
    Column("surface", String(200), primary_key=True),  # empty: not told
    Column("language", String(35), primary_key=True),  # primary subtag; empty: not told
    Column("what", String(16), primary_key=True),  # submission, or answer/KIND
    Column("count", BigInteger, nullable=False),
    Column("seconds", Float, nullable=False),  # of handling, of answers that say how long they took
    Column("squares", Float, nullable=False),
)
"""Submissions and answers by the hour, counted from the chain: made anew from it at any time."""

arm_readiness = Table(
    "arm_readiness",
    metadata,
    Column("worker", String(64), primary_key=True),
    Column("bundle", String(80), primary_key=True),  # version
    Column("ready", Boolean, nullable=False),
    Column("why", Text, nullable=False),  # not; empty: it is
    Column("at", BigInteger, nullable=False),
)
"""Which bundles that a roll-out tries are loaded in which workers, as each said last."""

shadowed = Table(
    "shadowed",
    metadata,
    Column("rollout", String(80), primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),  # of a decision's entry
    Column("verdict", String(16), nullable=False),  # the candidate's
)
"""What a model that is tried beside would have decided: made anew from the chain and the bundle at any time."""

projections = Table(
    "projections",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("seq", BigInteger, nullable=False),
)
"""What is counted from the chain, and up to which entry."""

monitoring_waiting = Table(
    "monitoring_waiting",
    metadata,
    Column("decision_id", String(80), primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("state", Text, nullable=False),  # JSON; names nobody
)
"""Decisions that people were asked about and whose day is not counted yet."""

monitoring_tallies = Table(
    "monitoring_tallies",
    metadata,
    Column("what", String(200), primary_key=True),  # of which cell, or of whose ads
    Column("day", Integer, primary_key=True, autoincrement=False),  # since 1970, UTC
    Column("bin", Integer, primary_key=True, autoincrement=False),  # of the risk; 0 where none is told apart
    Column("number", BigInteger, nullable=False),
    Column("of_them", BigInteger, nullable=False),
)
"""What detectors look at, by the day: counts only."""

monitoring_counted = Table(
    "monitoring_counted",
    metadata,
    Column("what", String(200), primary_key=True),
    Column("advertiser", BigInteger, primary_key=True, autoincrement=False),  # a hash
    Column("day", Integer, nullable=False),
    Index(None, "advertiser"),
)
"""When an advertiser was last counted: its ads are alike, so that not all of them count."""

detectors = Table(
    "detectors",
    metadata,
    Column("cell", String(200), primary_key=True),
    Column("state", Text, nullable=False),  # JSON
    Column("inputs", String(64), nullable=False),  # digest of what it was computed from
    Column("looked_at", BigInteger, nullable=False),
)
"""How each detector stood when somebody looked last."""

changes = Table(
    "changes",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),  # 1, 2, 3, … without a gap
    Column("entry", BigInteger, nullable=False),  # seq of what changed it
    Column("ad_id", String(200), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("body", Text, nullable=False),  # JSON, as it is told
    Index(None, "ad_id"),
    Index(None, "at"),
)
"""What stands about an ad since an entry: made of the chain, but for erasures, which the chain cannot tell of. Kept for some weeks."""

outbox = Table(
    "outbox",
    metadata,
    Column("receiver", String(80), primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),  # of the change, or of the entry that is told
    Column("about", String(210), nullable=False),  # an ad, an alarm, …: what is about one thing is told in order
    Column("body", Text, nullable=False),  # JSON, as it is sent
    Column("state", String(8), nullable=False),  # waiting | sent | held (refused; people decide) | dropped
    Column("tries", Integer, nullable=False),
    Column("due_at", BigInteger, nullable=False),  # of the next try
    Column("sent_at", BigInteger),  # null: not yet
    Column("said", String(200), nullable=False),  # what came of the last try
    Index(None, "receiver", "state", "due_at"),
    Index(None, "receiver", "about"),
    Index(None, "about"),
)
"""What receivers are to be told, until each has confirmed it."""

probes = Table(
    "probes",
    metadata,
    Column("probe_id", String(40), primary_key=True),
    Column("advertiser_id", String(200), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("words", Text, nullable=False),  # JSON: hashes of the words of the draft, by a secret; no text
    Column("level", Float, nullable=False),  # how near it was to what is stopped, in log-odds; above 0: stopped
    Index(None, "advertiser_id", "at"),
    Index(None, "at"),
)
"""Drafts that were checked and are on no record: for as long as asking again and again can be noticed."""

receivers = Table(
    "receivers",
    metadata,
    Column("name", String(80), primary_key=True),
    Column("tries", Integer, nullable=False),  # that failed in a row; 0: it answers
    Column("since", BigInteger),  # of the first of them
    Column("due_at", BigInteger, nullable=False),  # of the next
    Column("said", String(200), nullable=False),
)
"""Whether a receiver answers at all."""
"""What is to be told to a webhook, until its receiver has confirmed it."""

cluster_ads = Table(
    "cluster_ads",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),  # of the first decision about this version of the ad
    Column("cluster", BigInteger, nullable=False),  # seq of the first ad of its cluster
    Column("fingerprint", LargeBinary, nullable=False),  # no words can be read from it
    Index(None, "cluster"),
)
"""What ads are compared by, and which are copies of which: made anew from the chain at any time."""

creative_uses = Table(
    "creative_uses",
    metadata,
    Column("about", String(80), primary_key=True),  # a decision, or a golden item
    Column("uri", Text),  # as the ad has it; null: it has none, so that nobody looks again
    Column("address", LargeBinary(32)),  # sha256 of it
    Column("state", String(8), nullable=False),  # none | waiting | kept | refused
    Column("tries", Integer, nullable=False),
    Column("due_at", BigInteger),  # of the next try; null: there is none
    Column("said", String(500), nullable=False),  # why there is no picture, to whoever reviews the ad; empty: there is, or may be soon
    Column("content", String(64)),  # sha256 of the file that was fetched
    Column("fetched_at", BigInteger),
    Index(None, "address"),
    Index(None, "content"),
    Index(None, "state", "due_at"),
)
"""Which creative an ad on record shows. A row goes when its decision is erased."""

creatives = Table(
    "creatives",
    metadata,
    Column("content", String(64), primary_key=True),
    Column("kind", String(10), nullable=False),  # image | animation | video | html5
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("seconds", Float),
    Column("told", String(500), nullable=False),  # of how it was made; empty: nothing
    Column("ocr_text", Text),  # null: nothing here can read
    Column("read_by", String(40), nullable=False),
    Column("phash", String(64)),
    Column("made_at", BigInteger, nullable=False),
)

creative_frames = Table(
    "creative_frames",
    metadata,
    Column("content", String(64), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),  # from 0
    Column("at", Float),  # seconds
    Column("body", LargeBinary, nullable=False),  # JPEG
)
"""Pictures made of a file, by its hash. They go with the last ad on record that shows it."""
