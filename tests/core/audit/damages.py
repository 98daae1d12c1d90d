"""Damages to the world of `tests.core.audit.world`, and the differences each must show: what, counted, stored."""

# ruff: noqa: S608 nothing foreign reaches these statements

SENDING, STOPPED, SETTLED, DONE, PAUSED, QUEUED = range(1, 7)
FIRST_OF_RUN = 13
"""Copies of the first run have the ids 13 to 18: sending, deferred, delivered, bounced, blocked, failed."""

RUN_DAMAGES = {
    "total too high": (
        f"UPDATE runs SET total = 4 WHERE id = {PAUSED}",
        {("run total", "3 ahead", "4"), ("run targets", "3 targets", "4")},
    ),
    "total of a settled run": (
        f"UPDATE runs SET total = 2 WHERE id = {DONE}",
        {("run total", "1 delivered + 0 unreached", "2")},
    ),
    "unreached of a settled run": (
        f"UPDATE runs SET unreached = 2 WHERE id = {SETTLED}",
        {("run total", "1 delivered + 2 unreached", "4")},
    ),
    "unreached of a stopped run": (
        f"UPDATE runs SET unreached = 4 WHERE id = {STOPPED}",
        {("run total", "1 delivered + 1 cancelled + 4 unreached", "5"), ("run targets", "3 ahead", "4 unreached")},
    ),
    "a target that went early": (
        f"DELETE FROM run_targets WHERE run_id = {PAUSED} AND seq = 3",
        {("run total", "2 ahead", "3"), ("run targets", "2 targets", "3")},
    ),
    "a target twice": (
        f"INSERT INTO run_targets VALUES ({PAUSED}, 4, 4, 1, 'target4@example.com')",
        {("run total", "4 ahead", "3"), ("run targets", "4 targets", "3")},
    ),
    "a target that stayed": (
        f"INSERT INTO run_targets VALUES ({DONE}, 1, 1, 1, 'target1@example.com')",
        {("run targets", "1 targets", "settled")},
    ),
    "a chunk skipped": (
        f"UPDATE runs SET next_seq = 8 WHERE id = {SENDING}",
        {
            ("run total", "1 sending + 1 deferred + 1 delivered + 1 bounced + 1 blocked + 1 failed + 1 ahead", "8"),
            ("run reached", "6 copies", "7 claimed"),
        },
    ),
    "a chunk sent again": (
        f"UPDATE runs SET next_seq = 6 WHERE id = {SENDING}",
        {
            ("run total", "1 sending + 1 deferred + 1 delivered + 1 bounced + 1 blocked + 1 failed + 3 ahead", "8"),
            ("run reached", "6 copies", "5 claimed"),
        },
    ),
    "copies before targets": (
        f"UPDATE messages SET run_id = {QUEUED} WHERE id = {FIRST_OF_RUN + 9}",
        {
            ("run total", "0 unreached", "1"),
            ("run reached", "0 copies", "1 claimed"),
            ("run total", "1 delivered + 0 ahead", "0"),
            ("run reached", "1 copies", "0 claimed"),
            ("run_counts.claimed", "0", "1"),
            ("run_counts.claimed", "1", "0"),
            ("run_counts.delivered", "0", "1"),
            ("run_counts.delivered", "1", "0"),
        },
    ),
}
PLACE_DAMAGES = {
    "not in the queue": ("DELETE FROM delivery_queue WHERE message_id = 1", {("lost", "nowhere", "queued")}),
    "not in the lease": (
        "UPDATE delivery_leases SET message_ids = '{}', accepted_ats = '{}', attempts = '{}' WHERE message_ids = '{2}'",
        {("lost", "nowhere", "queued")},
    ),
    "lease gone": (f"DELETE FROM delivery_leases WHERE run_id = {SENDING}", {("lost", "nowhere", "sending")}),
    "attempt recorded, outcome not": (
        (
            "INSERT INTO attempts SELECT 2, accepted_at, 1, 1, attempted_at, outcome, 0, '', '', '', 0 FROM attempts"
            " WHERE message_id = 4"
        ),
        {("lost", "nowhere", "queued")},
    ),
    "in doubt and forgotten": (
        "DELETE FROM delivery_queue WHERE message_id = 9",
        {("lost", "nowhere", "uncertain")},
    ),
    "in queue and lease": (
        "INSERT INTO delivery_queue SELECT 2, accepted_at, due_at, 1, 1, '' FROM delivery_queue WHERE message_id = 1",
        {("doubled", "lease 1, queue", "queued")},
    ),
    "in two leases": (
        (
            "INSERT INTO delivery_leases (host, incarnation, claimed_at, lease_until, message_ids, accepted_ats, attempts,"
            " lanes) SELECT host, incarnation, claimed_at, lease_until, message_ids, accepted_ats, attempts, lanes"
            " FROM delivery_leases WHERE id = 1"
        ),
        {("doubled", "lease 1, lease 4", "queued")},
    ),
    "finished in the queue": (
        "INSERT INTO delivery_queue SELECT 7, accepted_at, due_at, 1, 1, '' FROM delivery_queue WHERE message_id = 1",
        {("finished", "queue", "blocked")},
    ),
    "finished in a lease": (
        (
            "UPDATE delivery_leases SET message_ids = message_ids || 7, accepted_ats = accepted_ats || accepted_ats,"
            " attempts = attempts || 1::smallint WHERE id = 1"
        ),
        {("finished", "lease 1", "blocked")},
    ),
    "queue without a copy": (
        (
            "INSERT INTO delivery_queue SELECT 4711, accepted_at, due_at, 1, 1, '' FROM delivery_queue"
            " WHERE message_id = 1"
        ),
        {("stray", "queue", "no copy")},
    ),
    "queue of the wrong second": (
        "UPDATE delivery_queue SET accepted_at = accepted_at + interval '1 second' WHERE message_id = 1",
        {("stray", "queue", "no copy"), ("lost", "nowhere", "queued")},
    ),
    "queue without its run": (
        f"UPDATE delivery_queue SET run_id = NULL WHERE message_id = {FIRST_OF_RUN + 1}",
        {("wrong run", "queue", "deferred")},
    ),
    "lease of another run": (
        f"UPDATE delivery_leases SET run_id = {DONE} WHERE run_id = {SENDING}",
        {("wrong run", "lease 3", "sending")},
    ),
}
COUNTER_DAMAGES = {
    "an hour": (
        "UPDATE hourly_counts SET accepted = accepted + 1 WHERE hour = '2016-11-22 12:00+00'",
        {("hourly_counts.accepted", "22", "23")},
    ),
    "a day": (
        "UPDATE daily_counts SET hard_bounces = 0 WHERE day = '2016-11-23'",
        {("daily_counts.hard_bounces", "1", "0")},
    ),
    "an hour that is gone": (
        "DELETE FROM hourly_counts WHERE hour = '2016-11-23 14:00+00'",
        {("hourly_counts.soft_bounces", "1", "0")},
    ),
    "a day too many": (
        "INSERT INTO daily_counts (account_id, sender_id, day, blocked_manual) VALUES (1, 1, '2016-12-01', 7)",
        {("daily_counts.blocked_manual", "0", "7")},
    ),
    "a reason": (
        "UPDATE messages SET blocked_reason = 'complaint' WHERE id = 7",
        {
            ("hourly_counts.blocked_complaint", "1", "0"),
            ("hourly_counts.blocked_unsubscribe", "0", "1"),
            ("daily_counts.blocked_complaint", "1", "0"),
            ("daily_counts.blocked_unsubscribe", "0", "1"),
        },
    ),
    "an attempt that is gone": (
        "DELETE FROM attempts WHERE message_id = 3 AND attempt = 2",
        {("hourly_counts.deferred", "1", "2"), ("daily_counts.deferred", "8", "9")},
    ),
    "a bounce that is gone": (
        "DELETE FROM bounces WHERE message_id = 5",
        {("hourly_counts.hard_bounces", "0", "1"), ("daily_counts.hard_bounces", "0", "1")},
    ),
    **{
        f"run's {column}": (
            f"UPDATE run_counts SET {column} = {column} + 1 WHERE run_id = {SENDING}",
            {(f"run_counts.{column}", str(number), str(number + 1))},
        )
        for column, number in {
            "claimed": 6, "delivered": 1, "hard_bounces": 0, "soft_bounces": 1, "blocked": 1, "failed": 1,
            "cancelled": 0, "deferrals": 1, "opens": 2, "opened": 1, "clicks": 3, "clicked": 1, "complaints": 1,
            "unsubscribes": 1,
        }.items()
    },
    **{
        f"an hour's {column}": (
            f"UPDATE hourly_counts SET {column} = {column} + 1 WHERE hour = '2016-11-22 13:00+00'",
            {(f"hourly_counts.{column}", str(number), str(number + 1))},
        )
        for column, number in {
            "opens": 2, "unique_opens": 0, "clicks": 4, "unique_clicks": 2, "complaints": 2, "unsubscribes": 2,
        }.items()
    },
    **{
        f"a day's {column}": (
            f"UPDATE daily_counts SET {column} = {column} - 1 WHERE day = '2016-11-22'",
            {(f"daily_counts.{column}", str(number), str(number - 1))},
        )
        for column, number in {
            "opens": 4, "unique_opens": 2, "clicks": 6, "unique_clicks": 4, "complaints": 2, "unsubscribes": 2,
        }.items()
    },
    "an open that is gone": (
        f"DELETE FROM opens WHERE message_id = {FIRST_OF_RUN + 2} AND occurred_at = '2016-11-22 13:00+00'",
        {("hourly_counts.opens", "1", "2"), ("daily_counts.opens", "3", "4"), ("run_counts.opens", "1", "2")},
    ),
    "a link that is gone": (
        "DELETE FROM link_clicks WHERE message_id = 4 AND link = 1",
        {("hourly_counts.unique_clicks", "1", "2"), ("daily_counts.unique_clicks", "3", "4")},
    ),
    "a run's counters are gone": (
        f"DELETE FROM run_counts WHERE run_id = {STOPPED}",
        {
            ("run_counts.claimed", "2", "0"),
            ("run_counts.delivered", "1", "0"),
            ("run_counts.cancelled", "1", "0"),
            ("run_counts.deferrals", "1", "0"),
        },
    ),
}  # fmt: skip
DAMAGES = {**RUN_DAMAGES, **PLACE_DAMAGES, **COUNTER_DAMAGES}
