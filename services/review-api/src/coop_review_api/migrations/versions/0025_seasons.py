"""Tallies of weeks that are over are kept by season, a row for each quarter of an hour.

What was kept by week becomes days again: the relay puts them into their seasons.

Revision: 0025
"""

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
    CREATE TABLE review.tally_seasons (
        key_id bigint NOT NULL,
        quarter smallint NOT NULL,
        season date NOT NULL,
        counts integer[] NOT NULL,
        CONSTRAINT tally_seasons_pkey PRIMARY KEY (key_id, quarter, season),
        CONSTRAINT tally_seasons_key_id_fkey FOREIGN KEY (key_id)
            REFERENCES review.tally_keys (key_id)
    )
    """,
    "CREATE INDEX tally_seasons_season_ix ON review.tally_seasons (season)",
    """
    INSERT INTO review.tallies AS kept (key_id, day, counts)
    SELECT w.key_id, w.day + d.n,
           ARRAY(SELECT w.counts[d.n * 96 + q] - coalesce(w.counts[d.n * 96], 0)
                   FROM generate_series(1, 96) AS q ORDER BY q)
      FROM review.tally_weeks w CROSS JOIN generate_series(0, 6) AS d (n)
     WHERE w.counts[d.n * 96 + 96] <> coalesce(w.counts[d.n * 96], 0)
    ON CONFLICT (key_id, day) DO UPDATE SET counts = (
        SELECT array_agg(had + more ORDER BY quarter)
          FROM unnest(kept.counts, excluded.counts) WITH ORDINALITY AS n (had, more, quarter))
    """,
    # Figures alone read it, and a process of before is without them until it is replaced.
    "-- squawk-ignore ban-drop-table\nDROP TABLE review.tally_weeks",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Seasons become days; the relay puts these into their weeks."""
    op.execute(
        """
        CREATE TABLE review.tally_weeks (
            key_id bigint NOT NULL,
            day date NOT NULL,
            counts integer[] NOT NULL,
            CONSTRAINT tally_weeks_pkey PRIMARY KEY (key_id, day),
            CONSTRAINT tally_weeks_key_id_fkey FOREIGN KEY (key_id)
                REFERENCES review.tally_keys (key_id)
        ) WITH (toast_tuple_target = 4096)
        """
    )
    op.execute("ALTER TABLE review.tally_weeks ALTER COLUMN counts SET STORAGE MAIN")
    op.execute("CREATE INDEX tally_weeks_day_ix ON review.tally_weeks (day)")
    op.execute(
        """
        INSERT INTO review.tallies AS kept (key_id, day, counts)
        SELECT s.key_id, s.season + d.n,
               array_agg(s.counts[d.n + 1] - coalesce(w.counts[d.n], 0) ORDER BY s.quarter)
          FROM review.tally_seasons s
          JOIN review.tally_seasons w
            ON w.key_id = s.key_id AND w.season = s.season AND w.quarter = 96
         CROSS JOIN generate_series(0, 90) AS d (n)
         WHERE w.counts[d.n + 1] <> coalesce(w.counts[d.n], 0)
         GROUP BY 1, 2
        ON CONFLICT (key_id, day) DO UPDATE SET counts = (
            SELECT array_agg(had + more ORDER BY quarter)
              FROM unnest(kept.counts, excluded.counts) WITH ORDINALITY AS n (had, more, quarter))
        """
    )
    op.execute("DROP TABLE review.tally_seasons")
