"""What each organisation caused on each day (UTC), for whoever shares out costs: a view over
tallies, read by a role that sees nothing else (`deploy/observability/usage-reader.sql`).

Revision: 0038
"""

from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

# A tally counts up: its last number is the day's, and in a season's last row a day's is what that
# number has more than the day's before. A day may be in both, each with its part.
_VIEW = """
    CREATE VIEW review.organisation_days AS
    WITH counted AS (
        SELECT key_id, day, counts[cardinality(counts)] AS units FROM review.tallies
        UNION ALL
        SELECT key_id, season + n - 1, counts[n] - coalesce(counts[n - 1], 0)
          FROM review.tally_seasons, generate_subscripts(counts, 1) AS n
         WHERE quarter = 96
    )
    SELECT keys.org_id, counted.day, keys.figure, sum(counted.units) AS units
      FROM counted JOIN review.tally_keys keys USING (key_id)
     WHERE keys.split = '*'
     GROUP BY keys.org_id, counted.day, keys.figure
    HAVING sum(counted.units) <> 0
"""


def upgrade() -> None:
    op.execute(_VIEW)


def downgrade() -> None:
    op.execute("DROP VIEW review.organisation_days")
