"""The tables. A change here needs a migration (``migrations/versions``) and a new HEAD; a test compares the two."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Double, ForeignKey, Index, Integer, MetaData, String, Table

from caso.store.columns import Told, Utc, body, name

HEAD = "0001"
"""The revision of these tables."""

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# Its own MetaData: the table is alembic's, caso makes it only so that a new store needs no alembic.
version = Table("alembic_version", MetaData(), Column("version_num", String(32), primary_key=True, nullable=False))

meta = Table("meta", metadata, Column("name", name(64), primary_key=True), Column("value", body(), nullable=False))

legacy_checkpoints = Table(
    "legacy_checkpoints", metadata, Column("project", name(255), primary_key=True), Column("until", Utc, nullable=False)
)

# project_name: as last told. succeeded: when a run last saw all of its window. listed: when a run last listed all that there
# was, listed_note: what the extractor noted of that. vouched: until when what is known was last known to be so by other means.
checkpoints = Table(
    "checkpoints",
    metadata,
    Column("cloud", name(100), primary_key=True),
    Column("region", name(100), primary_key=True),
    Column("project_id", name(255), primary_key=True),
    Column("extractor", name(64), primary_key=True),
    Column("since", Utc),
    Column("opening", Utc),
    Column("until", Utc, nullable=False),
    Column("vo", Told),
    Column("retired", Utc),
    Column("service", Told),
    Column("kinds", body(), nullable=False),
    Column("project_name", Told),
    Column("succeeded", Utc),
    Column("listed", Utc),
    Column("listed_note", body()),
    Column("vouched", Utc),
)

# seen: its extractor has told all of it. done: until when it is accounted for.
histories = Table(
    "histories",
    metadata,
    Column("cloud", name(100), primary_key=True),
    Column("region", name(100), primary_key=True),
    Column("project_id", name(255), primary_key=True),
    Column("extractor", name(64), primary_key=True),
    Column("asked_from", Utc, nullable=False),
    Column("asked_to", Utc),
    Column("since", Utc, nullable=False),
    Column("until", Utc, nullable=False),
    Column("opening", Utc),
    Column("seen", Boolean, nullable=False),
    Column("done", Utc, nullable=False),
)

# settled: ended, accounted beyond its end, and nothing learned since; what every run would otherwise look through again.
# along: accounted until when its project is (the table "accounted"), and accounted_until says nothing.
# steady: time alone changes its records, as long as nothing is told of it: they are in the course of its project.
# told_by: the extractors that ever told of it, " nova notifications ": only their listings can miss it.
# created, span: when it was made, and how long it lived, as a class (caso.store.spans): by these a period is looked for.
entities = Table(
    "entities",
    metadata,
    Column("cloud", name(100), primary_key=True),
    Column("region", name(100), primary_key=True),
    Column("kind", name(32), primary_key=True),
    Column("id", name(255), primary_key=True),
    Column("project_id", name(255), nullable=False),
    Column("ended", Utc),
    Column("known_at", Utc, nullable=False),
    Column("accounted_until", Utc),
    Column("along", Boolean, nullable=False),
    Column("steady", Boolean, nullable=False),
    Column("dirty_from", Utc),
    Column("settled", Boolean, nullable=False),
    Column("told_by", body(), nullable=False),
    Column("created", Utc, nullable=False),
    Column("span", Integer, nullable=False),
    Column("body", body(), nullable=False),
    Index(None, "cloud", "region", "kind", "project_id", "settled", "id"),
    Index(None, "project_id", "kind", "span", "created", "id"),
    Index(None, "id"),
)

# Who owned an entity once, and does not now: its intervals are theirs, too.
former_owners = Table(
    "former_owners",
    metadata,
    Column("project_id", name(255), primary_key=True),
    Column("cloud", name(100), primary_key=True),
    Column("region", name(100), primary_key=True),
    Column("kind", name(32), primary_key=True),
    Column("id", name(255), primary_key=True),
)

# Each message that was taken from a queue, once. state: folded, waiting (for what it needs to be understood), dead (not
# understood). message: what is to be read of it again, without what is secret; none of those that were folded.
events = Table(
    "events",
    metadata,
    Column("cloud", name(100), primary_key=True),
    Column("region", name(100), primary_key=True),
    Column("id", name(255), primary_key=True),
    Column("event_type", Told, nullable=False),
    Column("at", Utc),
    Column("taken", Utc, nullable=False),
    Column("state", name(16), nullable=False),
    Column("reason", Told),
    Column("message", body()),
    Index(None, "state", "taken"),
)

# Cinder's messages have a volume type's id, its API the name. deleted: it is no more, volumes of it were.
volume_types = Table(
    "volume_types",
    metadata,
    Column("cloud", name(100), primary_key=True),
    Column("region", name(100), primary_key=True),
    Column("id", name(255), primary_key=True),
    Column("name", Told, nullable=False),
    Column("deleted", Boolean, nullable=False),
    Column("known_at", Utc, nullable=False),
    Column("number", BigInteger, nullable=False),
)

# until: up to when those entities of a project are accounted for that go along with it, and their records of this month with
# them (caso.store.courses). course: the number of what goes along. revision: that of all its records. offered: recipients may
# hold those of a revision up to this. terms: by which rules, and in which month, they are told.
accounted = Table(
    "accounted",
    metadata,
    Column("cloud", name(100), primary_key=True),
    Column("region", name(100), primary_key=True),
    Column("kind", name(32), primary_key=True),
    Column("project_id", name(255), primary_key=True),
    Column("until", Utc, nullable=False),
    Column("course", Integer, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("offered", BigInteger, nullable=False),
    Column("terms", name(100)),
    Index(None, "course", unique=True),
)

# What meters told of a server in a UTC day, from start to until. stated: it is in the records that are made of single days.
measures = Table(
    "measures",
    metadata,
    Column("cloud", name(100), primary_key=True),
    Column("region", name(100), primary_key=True),
    Column("id", name(255), primary_key=True),
    Column("meter", name(32), primary_key=True),
    Column("day", name(10), primary_key=True),
    Column("project_id", name(255), nullable=False),
    Column("start", Utc, nullable=False),
    Column("until", Utc, nullable=False),
    Column("amount", Double, nullable=False),
    Column("covered_seconds", Double, nullable=False),
    Column("known_at", Utc, nullable=False),
    Column("stated", Boolean, nullable=False),
    Index(None, "cloud", "region", "project_id", "meter", "stated", "day"),
    Index(None, "day"),
)

quarantine = Table(
    "quarantine",
    metadata,
    Column("cloud", name(100), primary_key=True),
    Column("region", name(100), primary_key=True),
    Column("kind", name(32), primary_key=True),
    Column("object_id", name(255), primary_key=True),
    Column("project_id", name(255)),
    Column("reason", Told, nullable=False),
    Column("deleted", Boolean, nullable=False),
    Column("window_start", Utc, nullable=False),
    Column("met_at", Utc, nullable=False),
)

# offered: a recipient may hold a revision of it, so it cannot be dropped without a word.
# course: what it goes on with by time alone, at its pace, from measured_at on (caso.store.held); 0: it stays as it is.
# previous: the newest older revision that any messenger accepted, so that a dry run can tell what would be different.
records = Table(
    "records",
    metadata,
    Column("key", name(600), primary_key=True),
    Column("subject", name(300), nullable=False),
    Column("kind", name(32), nullable=False),
    Column("month", name(7), nullable=False),
    Column("measured_at", Utc, nullable=False),
    Column("known_at", Utc, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("retracted", Boolean, nullable=False),
    Column("offered", Boolean, nullable=False),
    Column("cloud", name(100), nullable=False),
    Column("region", name(100), nullable=False),
    Column("project_id", name(255), nullable=False),
    Column("content", body(), nullable=False),
    Column("course", Integer, nullable=False),
    Column("pace", body()),
    Column("previous_revision", BigInteger),
    Column("previous", body()),
    Index(None, "subject", "kind", "month"),
    Index(None, "course", "kind", "revision", unique=True),
    Index(None, "month", "project_id"),
)

# succeeded: when a run last left nothing due to it that it could send.
messengers = Table(
    "messengers",
    metadata,
    Column("name", name(64), primary_key=True),
    Column("kinds", body()),
    Column("since", Utc, nullable=False),
    Column("succeeded", Utc),
)

# Nothing of this kind with a revision up to the floor is due to this messenger.
floors = Table(
    "floors",
    metadata,
    Column("messenger", name(64), ForeignKey("messengers.name", ondelete="CASCADE"), primary_key=True),
    Column("kind", name(32), primary_key=True),
    Column("floor", BigInteger, nullable=False),
)

# revision: the newest that was accepted, refused or passed over; accepted: the newest that was accepted.
deliveries = Table(
    "deliveries",
    metadata,
    Column("messenger", name(64), ForeignKey("messengers.name", ondelete="CASCADE"), primary_key=True),
    Column("key", name(600), ForeignKey("records.key", ondelete="CASCADE"), primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("at", Utc, nullable=False),
    Column("refused", Told),
    Column("accepted", BigInteger),
    Index(None, "key"),
)

# Which state of a course a messenger has of one kind: all its records as of ``revision``, measured at ``until``; those up to
# the record ``part`` as of ``part_revision`` already. at: when it accepted some last. spared: it does not have them, as it
# wants nothing of what was held before it came.
reached = Table(
    "reached",
    metadata,
    Column("messenger", name(64), ForeignKey("messengers.name", ondelete="CASCADE"), primary_key=True),
    Column("course", Integer, primary_key=True, autoincrement=False),
    Column("kind", name(32), primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("until", Utc),
    Column("at", Utc, nullable=False),
    Column("spared", Boolean, nullable=False),
    Column("part", BigInteger, nullable=False),
    Column("part_revision", BigInteger, nullable=False),
    Column("part_until", Utc),
)

# A process is itself on one machine, in one boot, and since its start: its number alone is used again.
locks = Table(
    "locks",
    metadata,
    Column("name", name(600), primary_key=True),
    Column("token", name(32), nullable=False),
    Column("host", name(255), nullable=False),
    Column("machine", name(128), nullable=False),
    Column("boot", name(128), nullable=False),
    Column("pid", Integer, nullable=False),
    Column("started", name(32), nullable=False),
    Column("acquired", Utc, nullable=False),
    Column("renewed", Utc, nullable=False),
)
