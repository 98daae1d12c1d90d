"""Closed hours once more, eight days of a sender and measure in one row, as octets: what series are made of.

Forward only; runs on a live database within the time-outs of env.py.

From the moment its triggers are there every change of closed hours is packed, whichever version closes them. What had
been there before is packed last, but for rows that are there already: those are newer. Begun again after a crash it
finds what it has done.
"""

import sqlalchemy as sa
from alembic import op

revision = "packed_counts"
down_revision = "sender_records"
branch_labels = None
depends_on = None

MEASURES = (
    "accepted",
    "hard_bounces",
    "soft_bounces",
    "blocked",
    "blocked_complaint",
    "blocked_hardbounce",
    "blocked_manual",
    "blocked_softbounce",
    "blocked_unsubscribe",
)
HOURS = range(1, 25)
PACK = f"""
INSERT INTO packed_counts (measure, account_id, span, sender_id, hours, days)
SELECT measure, touched.account_id, span, touched.sender_id,
       string_agg(coalesce({" || ".join(f"int4send(numbers[{hour}])" for hour in HOURS)},
                           decode(repeat('00', 96), 'hex')), '' ORDER BY number),
       string_agg(int4send(coalesce({" + ".join(f"numbers[{hour}]" for hour in HOURS)}, 0)), '' ORDER BY number)
  FROM (SELECT DISTINCT account_id, sender_id, (day - DATE '1970-01-01') / 8 AS span FROM changed) AS touched
 CROSS JOIN generate_series(0, 7) AS number
  LEFT JOIN closed_hours ON closed_hours.account_id = touched.account_id
   AND closed_hours.sender_id = touched.sender_id
   AND closed_hours.day = DATE '1970-01-01' + (span * 8 + number)
 CROSS JOIN LATERAL (VALUES {", ".join(f"('{name}', {name})" for name in MEASURES)}) AS measured (measure, numbers)
 GROUP BY measure, touched.account_id, span, touched.sender_id
HAVING count(numbers) > 0
 ORDER BY measure, touched.account_id, span, touched.sender_id  -- what is read together lies together
"""
FUNCTION = f"""
CREATE OR REPLACE FUNCTION pack_counts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        DELETE FROM packed_counts USING changed CROSS JOIN unnest(ARRAY{list(MEASURES)}) AS gone (measure)
         WHERE packed_counts.measure = gone.measure AND packed_counts.account_id = changed.account_id
           AND packed_counts.span = (changed.day - DATE '1970-01-01') / 8
           AND packed_counts.sender_id = changed.sender_id;
    END IF;
    {PACK} ON CONFLICT (measure, account_id, span, sender_id) DO UPDATE SET hours = excluded.hours, days = excluded.days;
    RETURN NULL;
END $$
"""
BEFORE = f"WITH changed AS (SELECT account_id, sender_id, day FROM closed_hours) {PACK} ON CONFLICT DO NOTHING"


def upgrade() -> None:
    op.create_table(
        "packed_counts",
        sa.Column("measure", sa.Text(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("span", sa.Integer(), nullable=False),
        sa.Column("sender_id", sa.BigInteger(), nullable=False),
        sa.Column("hours", sa.LargeBinary(), nullable=False),
        sa.Column("days", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint(
            "measure",
            "account_id",
            "span",
            "sender_id",
            name=op.f("pk_packed_counts"),
            postgresql_include=["days"],
        ),
        if_not_exists=True,
    )
    op.execute(FUNCTION)
    for event, table in (("INSERT", "NEW"), ("UPDATE", "NEW"), ("DELETE", "OLD")):
        op.execute(
            f"CREATE OR REPLACE TRIGGER pack_{event.lower()} AFTER {event} ON closed_hours"
            f" REFERENCING {table} TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION pack_counts()"
        )
    with op.get_context().autocommit_block():
        op.execute("SET statement_timeout = 0")
        op.execute(BEFORE)
        op.execute("SET statement_timeout = '5s'")


def downgrade() -> None:
    raise NotImplementedError("migrations only go forward")
