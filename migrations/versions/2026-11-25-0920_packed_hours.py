"""Closed hours of a day as octets, all measures of a sender in one row: the hours beside the days of a range.

Forward only; runs on a live database within the time-outs of env.py.

From the moment its triggers are there every change of closed hours is packed, whichever version closes them. What had been
there before is packed last, but for rows that are there already: those are newer. Meanwhile retention does not close
hours, nor forget any. Begun again after a crash it finds what it has done.
"""

import sqlalchemy as sa
from alembic import op

revision = "packed_hours"
down_revision = "packed_days"
branch_labels = None
depends_on = None

RETENTION = 0x666F_7267
"""Of who changes closed hours: app/core/retention/service.py."""
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
ZEROS = "decode(repeat('00', 96), 'hex')"


def octets(measure: str) -> str:
    return f"coalesce({' || '.join(f'int4send({measure}[{hour}])' for hour in range(1, 25))}, {ZEROS})"


PACK = f"""
INSERT INTO packed_hours (day, account_id, sender_id, hours)
SELECT day, account_id, sender_id, {" || ".join(map(octets, MEASURES))}
  FROM %s
 ORDER BY day, account_id, sender_id  -- what is read together lies together
"""
FUNCTION = f"""
CREATE OR REPLACE FUNCTION pack_hours() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        DELETE FROM packed_hours USING changed
         WHERE (packed_hours.day, packed_hours.account_id, packed_hours.sender_id)
             = (changed.day, changed.account_id, changed.sender_id);
    ELSE
        {PACK % "changed"} ON CONFLICT (day, account_id, sender_id) DO UPDATE SET hours = excluded.hours;
    END IF;
    RETURN NULL;
END $$
"""


def upgrade() -> None:
    op.create_table(
        "packed_hours",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("sender_id", sa.BigInteger(), nullable=False),
        sa.Column("hours", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("day", "account_id", "sender_id", name=op.f("pk_packed_hours")),
        if_not_exists=True,
    )
    op.execute(FUNCTION)
    for event, table in (("INSERT", "NEW"), ("UPDATE", "NEW"), ("DELETE", "OLD")):
        op.execute(
            f"CREATE OR REPLACE TRIGGER pack_hours_{event.lower()} AFTER {event} ON closed_hours"
            f" REFERENCING {table} TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION pack_hours()"
        )
    with op.get_context().autocommit_block():
        op.execute("SET statement_timeout = 0")
        op.execute("SET lock_timeout = '120s'")
        op.execute(f"SELECT pg_advisory_lock({RETENTION})")
        op.execute(f"{PACK % 'closed_hours'} ON CONFLICT DO NOTHING")
        op.execute(f"SELECT pg_advisory_unlock({RETENTION})")
        op.execute("SET lock_timeout = '4s'")
        op.execute("SET statement_timeout = '5s'")


def downgrade() -> None:
    raise NotImplementedError("migrations only go forward")
