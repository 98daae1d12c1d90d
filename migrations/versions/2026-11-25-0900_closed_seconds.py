"""The seconds of closed hours, a row for each measure, sender and hour: what ranges that cut an hour are told by.

Forward only; runs on a live database within the time-outs of env.py.

From the moment its triggers are there the seconds of every hour that is closed are counted, whichever version closes it.
Those of hours closed before are counted last, a day at a time, as far as there are details of them; meanwhile retention
does not close hours. Begun again after a crash it counts them anew.

`closed_minutes` stays for the processes of the version before, and is not used any more.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "closed_seconds"
down_revision = "listed_by_sender"
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
COUNT = """
CREATE OR REPLACE FUNCTION count_seconds(account_ids bigint[], hours timestamptz[]) RETURNS void LANGUAGE sql AS $$
INSERT INTO closed_seconds (measure, hour, account_id, sender_id, seconds)
SELECT measure, whole.hour, whole.account_id, sender_id, seconds
  FROM (SELECT DISTINCT account_id, hour FROM unnest(account_ids, hours) AS given (account_id, hour)) AS whole
 CROSS JOIN LATERAL (
         SELECT measure, sender_id, array_agg(second ORDER BY second) AS seconds
           FROM (
                 SELECT 'accepted' AS measure, sender_id, accepted_at AS at
                   FROM messages
                  WHERE account_id = whole.account_id
                    AND accepted_at >= whole.hour AND accepted_at < whole.hour + interval '1 hour'
                  UNION ALL
                 SELECT unnest(ARRAY['blocked',
                            'blocked_' || CASE blocked_reason WHEN 'deleted' THEN 'manual' ELSE blocked_reason END]),
                        sender_id, accepted_at
                   FROM messages
                  WHERE account_id = whole.account_id AND blocked_reason IS NOT NULL
                    AND accepted_at >= whole.hour AND accepted_at < whole.hour + interval '1 hour'
                  UNION ALL
                 SELECT bounce_type || '_bounces', sender_id, bounced_at
                   FROM bounces
                  WHERE account_id = whole.account_id
                    AND bounced_at >= whole.hour AND bounced_at < whole.hour + interval '1 hour'
                    AND accepted_at < whole.hour + interval '1 hour'
                ) AS event
          CROSS JOIN LATERAL (SELECT floor(date_part('epoch', at - whole.hour))::smallint) AS counted (second)
          GROUP BY measure, sender_id
       ) AS found
 ORDER BY measure, whole.hour, whole.account_id, sender_id  -- what is read together lies together
    ON CONFLICT (measure, hour, account_id, sender_id) DO UPDATE SET seconds = excluded.seconds
$$
"""


def numbers(table: str) -> str:
    return ", ".join(f"coalesce({table}.{measure}[number], 0)" for measure in MEASURES)


GONE = [
    f"('{measure}', coalesce(changed.{measure}[number], 0), coalesce(before.{measure}[number], 0))"
    for measure in MEASURES
]
HOUR = "day::timestamp AT TIME ZONE 'UTC' + make_interval(hours => number - 1)"
KEEP = f"""
CREATE OR REPLACE FUNCTION keep_seconds() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        PERFORM count_seconds(array_agg(account_id), array_agg({HOUR}))
           FROM changed CROSS JOIN generate_series(1, 24) AS number
          WHERE 0 < ANY (ARRAY[{numbers("changed")}]);
    ELSE
        PERFORM count_seconds(array_agg(account_id), array_agg({HOUR}))
           FROM changed JOIN before USING (account_id, day, sender_id) CROSS JOIN generate_series(1, 24) AS number
          WHERE ({numbers("changed")}) <> ({numbers("before")});
        -- What was moved elsewhere is not found any more; what is not found because its details are gone stays.
        DELETE FROM closed_seconds USING changed JOIN before USING (account_id, day, sender_id)
          CROSS JOIN generate_series(1, 24) AS number
          CROSS JOIN LATERAL (VALUES {", ".join(GONE)}) AS gone (measure, now, was)
         WHERE ({numbers("changed")}) <> ({numbers("before")}) AND was <> 0 AND now = 0
           AND closed_seconds.measure = gone.measure AND hour = {HOUR}
           AND (closed_seconds.account_id, closed_seconds.sender_id) = (changed.account_id, changed.sender_id);
    END IF;
    RETURN NULL;
END $$
"""
DAY = f"""
SELECT count_seconds(array_agg(account_id), array_agg({HOUR}))
  FROM closed_hours CROSS JOIN generate_series(1, 24) AS number
 WHERE day = $1 AND 0 < ANY (ARRAY[{numbers("closed_hours")}])
"""


def upgrade() -> None:
    op.create_table(
        "closed_seconds",
        sa.Column("measure", sa.Text(), nullable=False),
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("sender_id", sa.BigInteger(), nullable=False),
        sa.Column("seconds", ARRAY(sa.SmallInteger()), nullable=False),
        sa.PrimaryKeyConstraint("measure", "hour", "account_id", "sender_id", name=op.f("pk_closed_seconds")),
        if_not_exists=True,
    )
    op.execute(COUNT)
    op.execute(KEEP)
    for event, tables in (("INSERT", "NEW TABLE AS changed"), ("UPDATE", "OLD TABLE AS before NEW TABLE AS changed")):
        op.execute(
            f"CREATE OR REPLACE TRIGGER keep_seconds_{event.lower()} AFTER {event} ON closed_hours"
            f" REFERENCING {tables} FOR EACH STATEMENT EXECUTE FUNCTION keep_seconds()"
        )
    with op.get_context().autocommit_block():
        op.execute("SET statement_timeout = 0")
        op.execute("SET lock_timeout = '120s'")
        op.execute(f"SELECT pg_advisory_lock({RETENTION})")
        bind = op.get_bind()
        for (day,) in bind.exec_driver_sql("SELECT DISTINCT day FROM closed_hours ORDER BY day").fetchall():
            bind.exec_driver_sql(DAY, (day,))
        op.execute(f"SELECT pg_advisory_unlock({RETENTION})")
        op.execute("SET lock_timeout = '4s'")
        op.execute("SET statement_timeout = '5s'")


def downgrade() -> None:
    raise NotImplementedError("migrations only go forward")
