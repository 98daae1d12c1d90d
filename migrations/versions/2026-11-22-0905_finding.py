"""Objects found by any of their fields.

Forward only; runs on a live database within the time-outs of env.py.

`public_uuid` says what app/kit/uids.py says, so that the database can order and compare by what clients see; both are
constants for ever. `extra_keys` gives an account's own names, so that one index serves all accounts apart.
"""

from alembic import op

revision = "finding"
down_revision = "campaign_segments"
branch_labels = None
depends_on = None

UNIX_SECONDS = """
CREATE OR REPLACE FUNCTION unix_seconds(moment timestamptz) RETURNS bigint
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN floor(extract(epoch FROM moment AT TIME ZONE 'UTC'))::bigint
"""
EXTRA_KEYS = """
CREATE OR REPLACE FUNCTION extra_keys(account_id bigint, extra jsonb) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE COST 500
RETURN (SELECT array_agg(account_id || ':' || left(name, 200)) FROM jsonb_object_keys(extra) AS names (name))
"""
PUBLIC_UUID = """
CREATE OR REPLACE FUNCTION public_uuid(noun text, number bigint) RETURNS uuid
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE COST 2000 AS $$
DECLARE
    first numeric; added bigint; second numeric; checking numeric;
    scrambled bigint; product numeric; folded numeric; low bigint; high bigint;
BEGIN
    CASE noun
        WHEN 'audience' THEN
            first := 3965534835174313; added := 141042376928023; second := 4496810307633773;
            checking := 1021669272440015075033;
        WHEN 'campaign' THEN
            first := 88787227761019; added := 3745710979130176; second := 4457975390860733;
            checking := 4546893133523463845101;
        WHEN 'run' THEN
            first := 3844470109108403; added := 840255696612816; second := 2792830284243301;
            checking := 4386436932378418729517;
        WHEN 'template' THEN
            first := 349824729843849; added := 2920840122303072; second := 307677266167305;
            checking := 3282635511640974050915;
    END CASE;
    scrambled := mod(number * first + added, 4503599627370496);
    scrambled := mod((scrambled # (scrambled >> 26)) * second, 4503599627370496);
    -- 70 bits of the product, itself folded by 26 bits, as two halves of 35
    product := (scrambled # added) * checking;
    folded := div(product, 67108864);
    low := mod(product, 34359738368)::bigint # mod(folded, 34359738368)::bigint;
    high := mod(div(product, 34359738368), 34359738368)::bigint # mod(div(folded, 34359738368), 34359738368)::bigint;
    RETURN (
        lpad(to_hex(((scrambled >> 4) << 16) | 32768 | ((scrambled & 15) << 8) | (high >> 27)), 16, '0')
        || to_hex((1::bigint << 63) | ((high & 134217727) << 35) | low)
    )::uuid;
END $$
"""
TOTALS = (
    "ix_audience_tallies_total ON audience_tallies (account_id, audience_id) INCLUDE (delta)"
    " WHERE account_id IS NOT NULL AND status = 'subscribed'"
)
INDEXES = (
    (
        "ix_templates_found ON templates (account_id, unix_seconds(created_at), public_uuid('template', id))"
        " INCLUDE (id, created_at, updated_at, deleted_at, name) WHERE deleted_at IS NULL"
    ),
    (
        "ix_audiences_found ON audiences (account_id, unix_seconds(created_at), public_uuid('audience', id))"
        " INCLUDE (id, created_at, updated_at, deleted_at, name) WHERE deleted_at IS NULL"
    ),
    (
        "ix_campaigns_found ON campaigns (account_id, unix_seconds(created_at), public_uuid('campaign', id))"
        " INCLUDE (id, created_at, updated_at, deleted_at, latest_run_id) WHERE deleted_at IS NULL"
    ),
    "ix_templates_uuid ON templates (account_id, public_uuid('template', id)) INCLUDE (id) WHERE deleted_at IS NULL",
    (
        "ix_templates_name ON templates (account_id, (nullif(left(name, 200), '') COLLATE \"C\"))"
        " WHERE deleted_at IS NULL"
    ),
    "ix_audiences_uuid ON audiences (account_id, public_uuid('audience', id)) INCLUDE (id) WHERE deleted_at IS NULL",
    (
        "ix_audiences_name ON audiences (account_id, (nullif(left(name, 200), '') COLLATE \"C\"))"
        " WHERE deleted_at IS NULL"
    ),
    "ix_campaigns_uuid ON campaigns (account_id, public_uuid('campaign', id)) INCLUDE (id) WHERE deleted_at IS NULL",
    (
        "ix_campaigns_name ON campaigns (account_id, (nullif(left(name, 200), '') COLLATE \"C\"))"
        " WHERE deleted_at IS NULL"
    ),
    "ix_campaigns_latest_run ON campaigns (account_id, latest_run_id) INCLUDE (id) WHERE deleted_at IS NULL",
    "ix_runs_state ON runs (account_id, state, id)",
    "ix_audiences_account ON audiences (account_id, id) INCLUDE (deleted_at)",
    "ix_audience_tallies_recent ON audience_tallies (audience_id) WHERE account_id IS NULL",
    "ix_templates_extra ON templates USING gin (extra_keys(account_id, extra)) WHERE extra IS NOT NULL",
    "ix_audiences_extra ON audiences USING gin (extra_keys(account_id, extra)) WHERE extra IS NOT NULL",
    "ix_campaigns_extra ON campaigns USING gin (extra_keys(account_id, extra)) WHERE extra IS NOT NULL",
)


def upgrade() -> None:
    for function in (UNIX_SECONDS, EXTRA_KEYS, PUBLIC_UUID):
        op.execute(function)
    for table in ("templates", "campaigns"):  # content goes out of line, so that a look at all rows reads little
        op.execute(f"ALTER TABLE {table} SET (toast_tuple_target = 256)")
    op.execute("ALTER TABLE audience_tallies ADD COLUMN IF NOT EXISTS account_id bigint")
    with op.get_context().autocommit_block():
        op.execute("SET statement_timeout = 0")
        op.execute("SET lock_timeout = 0")
        for index in INDEXES:
            op.execute(f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {index}")
        op.execute(f"CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS {TOTALS}")
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_audiences_account_id")  # ix_audiences_account says more
        op.execute("SET statement_timeout = '5s'")
        op.execute("SET lock_timeout = '4s'")


def downgrade() -> None:
    raise NotImplementedError("migrations only go forward")
