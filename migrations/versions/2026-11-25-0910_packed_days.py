"""Packed counts of days, 32 of a sender and measure in one row: what totals and series by day are made of.

Forward only; runs on a live database within the time-outs of env.py.

From the moment its triggers are there every change of packed counts is followed, whichever version closes hours. What had
been there before is put together last, but for rows that are there already: those are newer. Meanwhile retention does not
close hours, nor forget any. Begun again after a crash it finds what it has done.

The days in `packed_counts` stay for the processes of the version before.
"""

import sqlalchemy as sa
from alembic import op

revision = "packed_days"
down_revision = "closed_seconds"
branch_labels = None
depends_on = None

RETENTION = 0x666F_7267
"""Of who changes closed hours: app/core/retention/service.py."""
PACK = """
INSERT INTO packed_days (measure, span, account_id, sender_id, days)
SELECT touched.measure, touched.span, touched.account_id, touched.sender_id,
       string_agg(coalesce(days, decode(repeat('00', 32), 'hex')), '' ORDER BY number)
  FROM (SELECT DISTINCT measure, span / 4 AS span, account_id, sender_id FROM changed) AS touched
 CROSS JOIN generate_series(0, 3) AS number
  LEFT JOIN packed_counts ON packed_counts.measure = touched.measure
   AND packed_counts.span = touched.span * 4 + number
   AND packed_counts.account_id = touched.account_id
   AND packed_counts.sender_id = touched.sender_id
 GROUP BY touched.measure, touched.span, touched.account_id, touched.sender_id
HAVING count(days) > 0
 ORDER BY touched.measure, touched.span, touched.account_id, touched.sender_id  -- what is read together lies together
"""
FUNCTION = f"""
CREATE OR REPLACE FUNCTION pack_days() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        DELETE FROM packed_days USING changed
         WHERE packed_days.measure = changed.measure AND packed_days.span = changed.span / 4
           AND packed_days.account_id = changed.account_id AND packed_days.sender_id = changed.sender_id;
    END IF;
    {PACK} ON CONFLICT (measure, span, account_id, sender_id) DO UPDATE SET days = excluded.days;
    RETURN NULL;
END $$
"""
BEFORE = (
    f"WITH changed AS (SELECT measure, span, account_id, sender_id FROM packed_counts) {PACK} ON CONFLICT DO NOTHING"
)


def upgrade() -> None:
    op.create_table(
        "packed_days",
        sa.Column("measure", sa.Text(), nullable=False),
        sa.Column("span", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("sender_id", sa.BigInteger(), nullable=False),
        sa.Column("days", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint(
            "measure", "span", "account_id", "sender_id", name=op.f("pk_packed_days"), postgresql_include=["days"]
        ),
        if_not_exists=True,
    )
    op.execute(FUNCTION)
    for event, table in (("INSERT", "NEW"), ("UPDATE", "NEW"), ("DELETE", "OLD")):
        op.execute(
            f"CREATE OR REPLACE TRIGGER pack_days_{event.lower()} AFTER {event} ON packed_counts"
            f" REFERENCING {table} TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION pack_days()"
        )
    with op.get_context().autocommit_block():
        op.execute("SET statement_timeout = 0")
        op.execute("SET lock_timeout = '120s'")
        op.execute(f"SELECT pg_advisory_lock({RETENTION})")
        op.execute(BEFORE)
        op.execute(f"SELECT pg_advisory_unlock({RETENTION})")
        op.execute("SET lock_timeout = '4s'")
        op.execute("SET statement_timeout = '5s'")


def downgrade() -> None:
    raise NotImplementedError("migrations only go forward")
