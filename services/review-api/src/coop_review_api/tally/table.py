"""The tables of tallies, and of how many jobs were open.

    tally_keys      one row for what is counted apart: a figure, what splits it, and the values
    tallies         one row a key and UTC day: how often until the end of each quarter of an hour
    tally_seasons   the same of weeks that are over, a row a key, season and quarter (`season`)
    tally_horizons  of tables whose rows are counted and later dropped: until when they were
    open_jobs       how many jobs were open at a time, by queue
    open_job_times  when that was looked at

Guarantees: the n-th number of `tallies.counts` is what happened in the first n quarters of an hour
of the day, so that any span of it is one number less another. Some time zones are a quarter of an
hour off (Kathmandu, Chatham): their days begin at one, too.
Must not: be written by anyone but `store`, `keeper`, `horizon` and `open_job`.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    func,
)
from sqlalchemy.dialects.postgresql import ARRAY

from coop_review_api.kernel.schema import metadata

_TIME = DateTime(timezone=True)

tally_keys = Table(
    "tally_keys",
    metadata,
    Column("key_id", BigInteger, Identity(always=True), primary_key=True),
    Column("org_id", Text, nullable=False),
    Column("figure", Text, nullable=False),
    Column("split", Text, nullable=False),  # dimensions, of `figure.Split`
    Column("dimension_values", ARRAY(Text), nullable=False),
    Column("grave", Boolean, nullable=False),
    Column("made_at", _TIME, nullable=False, server_default=func.now()),
    # Of its seasons, raised by a trigger: what is remembered of them holds for one version.
    Column("seasons_version", BigInteger, nullable=False, server_default="0"),
    UniqueConstraint(
        "org_id", "figure", "split", "dimension_values", "grave", name="tally_keys_key"
    ),
    Index(None, "made_at"),
)

tallies = Table(
    "tallies",
    metadata,
    Column("key_id", BigInteger, ForeignKey("review.tally_keys.key_id"), primary_key=True),
    Column("day", Date, primary_key=True),
    Column("counts", ARRAY(Integer), nullable=False),
    Index(None, "day"),
    # The day that is being counted is rewritten all day long.
    postgresql_with={"fillfactor": "80"},
)
"""Days of weeks that are not over; of those that are, what was counted since `keeper` came by."""

tally_seasons = Table(
    "tally_seasons",
    metadata,
    Column("key_id", BigInteger, ForeignKey("review.tally_keys.key_id"), primary_key=True),
    Column("quarter", SmallInteger, primary_key=True),  # of an hour, in a day, from 1
    Column("season", Date, primary_key=True),  # its first day, a Monday
    Column("counts", ARRAY(Integer), nullable=False),
    Index(None, "season"),
)

tally_horizons = Table(
    "tally_horizons",
    metadata,
    Column("counted_table", Text, primary_key=True),
    Column("dropped_before", _TIME, nullable=False),
)

open_job_times = Table("open_job_times", metadata, Column("time", _TIME, primary_key=True))

open_jobs = Table(
    "open_jobs",
    metadata,
    Column("org_id", Text, primary_key=True),
    Column("time", _TIME, primary_key=True),
    Column("queue_id", Text, primary_key=True),
    Column("grave", Boolean, primary_key=True),
    Column("units", Integer, nullable=False),
    Index(None, "time"),
)
