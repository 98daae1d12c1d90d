"""Damages to what is made of closed hours, in the world of `tests.core.audit.world`, and the differences each must show.

Of a difference: what, when, counted, stored.
"""

# ruff: noqa: S608 nothing foreign reaches these statements

SPAN, LONG_SPAN = 2140, 535
"""The first eight and 32 days of the world. Both begin with 2016-11-15; its own first is the last of the eight."""
LAST_DAY, NOON_OCTET = 7, 7 * 96 + 12 * 4 + 3
ACCEPTED = f"WHERE measure = 'accepted' AND span = {SPAN}"
OTHER = "INSERT INTO packed_counts (measure, span, account_id, sender_id, hours, days) SELECT"
COUNTS = {
    "an hour": (
        f"UPDATE packed_counts SET hours = set_byte(hours, {NOON_OCTET}, 23) {ACCEPTED}",
        {("packed_counts.accepted", "2016-11-22", "22 at 12h", "23 at 12h")},
    ),
    "an hour in place of the next": (
        f"UPDATE packed_counts SET hours = set_byte(set_byte(hours, {NOON_OCTET}, 0), {NOON_OCTET + 4}, 22) {ACCEPTED}",
        {("packed_counts.accepted", "2016-11-22", "22 at 12h", "0 at 12h")},
    ),
    "a day": (
        f"UPDATE packed_counts SET days = set_byte(days, {LAST_DAY * 4 + 3}, 23) {ACCEPTED}",
        {("packed_counts.accepted", "2016-11-22", "22", "23")},
    ),
    "octets too few": (
        f"UPDATE packed_counts SET hours = substring(hours FROM 1 FOR 764) {ACCEPTED}",
        {("packed_counts.accepted", "2016-11-22", "100 octets", "96 octets")},
    ),
    "octets too many, of which packed days are made as well": (
        f"UPDATE packed_counts SET days = days || '\\x00' {ACCEPTED}",
        {
            ("packed_counts.accepted", "2016-11-22", "100 octets", "101 octets"),
            ("packed_days.accepted", "2016-11-22", "5 octets", "4 octets"),
            ("packed_days.accepted", "2016-12-16", "4 octets", "5 octets"),
        },
    ),
    "a row that is gone": (
        f"DELETE FROM packed_counts WHERE measure = 'hard_bounces' AND span = {SPAN + 1}",
        {("packed_counts.hard_bounces", "2016-11-23", "1", "0")},
    ),
    "a row of days without closed hours": (
        f"{OTHER} measure, span + 2, account_id, sender_id, hours, days FROM packed_counts {ACCEPTED}",
        {("packed_counts.accepted", "2016-12-08", "0", "22")},
    ),
    "a row of a measure that is zero": (
        f"{OTHER} 'blocked_complaint', span, account_id, sender_id, hours, days FROM packed_counts {ACCEPTED}",
        {("packed_counts.blocked_complaint", "2016-11-22", "0", "22")},
    ),
}
FIRST_DAY = "WHERE day = '2016-11-22'"
AT_NOON = {"accepted": 22, "soft_bounces": 1, "blocked": 2, "blocked_manual": 1, "blocked_unsubscribe": 1}
HOURS = {
    "an hour of a day": (
        f"UPDATE packed_hours SET hours = set_byte(hours, 12 * 4 + 3, 23) {FIRST_DAY}",
        {("packed_hours.accepted", "2016-11-22", "22 at 12h", "23 at 12h")},
    ),
    "an hour of another measure": (
        f"UPDATE packed_hours SET hours = set_byte(hours, 96 + 12 * 4 + 3, 1) {FIRST_DAY}",
        {("packed_hours.hard_bounces", "2016-11-22", "0 at 12h", "1 at 12h")},
    ),
    "octets of a day too few": (
        f"UPDATE packed_hours SET hours = substring(hours FROM 1 FOR 860) {FIRST_DAY}",
        {("packed_hours.blocked_unsubscribe", "2016-11-22", "96 octets", "92 octets")},
    ),
    "octets of a day too many": (
        f"UPDATE packed_hours SET hours = hours || '\\x00' {FIRST_DAY}",
        {("packed_hours.blocked_unsubscribe", "2016-11-22", "96 octets", "97 octets")},
    ),
    "a row of a day that is gone": (
        f"DELETE FROM packed_hours {FIRST_DAY}",
        {(f"packed_hours.{name}", "2016-11-22", f"{one} at 12h", "0 at 12h") for name, one in AT_NOON.items()},
    ),
    "a row of a day without closed hours": (
        f"INSERT INTO packed_hours SELECT day + 30, account_id, sender_id, hours FROM packed_hours {FIRST_DAY}",
        {(f"packed_hours.{name}", "2016-12-22", "0 at 12h", f"{one} at 12h") for name, one in AT_NOON.items()},
    ),
}
LONG = f"WHERE measure = 'accepted' AND span = {LONG_SPAN}"
OTHER_DAYS = "INSERT INTO packed_days (measure, span, account_id, sender_id, days) SELECT"
DAYS = {
    "one day of 32": (
        f"UPDATE packed_days SET days = set_byte(days, {LAST_DAY * 4 + 3}, 23) {LONG}",
        {("packed_days.accepted", "2016-11-22", "22", "23")},
    ),
    "a day in place of the next, which is of other eight": (
        f"UPDATE packed_days SET days = set_byte(set_byte(days, {LAST_DAY * 4 + 3}, 0), {LAST_DAY * 4 + 7}, 22) {LONG}",
        {("packed_days.accepted", "2016-11-22", "22", "0"), ("packed_days.accepted", "2016-11-23", "0", "22")},
    ),
    "octets of 32 days too few": (
        f"UPDATE packed_days SET days = substring(days FROM 1 FOR 124) {LONG}",
        {("packed_days.accepted", "2016-12-16", "4 octets", "0 octets")},
    ),
    "octets of 32 days too many": (
        f"UPDATE packed_days SET days = days || '\\x00' {LONG}",
        {("packed_days.accepted", "2016-12-16", "4 octets", "5 octets")},
    ),
    "a row of 32 days that is gone": (
        "DELETE FROM packed_days WHERE measure = 'hard_bounces'",
        {("packed_days.hard_bounces", "2016-11-23", "1", "0")},
    ),
    "a row of 32 days of which nothing is packed": (
        f"{OTHER_DAYS} measure, span + 1, account_id, sender_id, days FROM packed_days {LONG}",
        {("packed_days.accepted", "2016-12-24", "0", "22")},
    ),
    "a row of 32 days of a measure that is zero": (
        f"{OTHER_DAYS} 'blocked_complaint', span, account_id, sender_id, days FROM packed_days {LONG}",
        {("packed_days.blocked_complaint", "2016-11-22", "0", "22")},
    ),
}


def _of_noon(stored: str) -> set[tuple[str, str, str, str]]:
    return {("closed_seconds.accepted", "2016-11-22 12h", "22", stored)}


NOON_SECONDS = "WHERE measure = 'accepted'"
OTHER_SECONDS = "INSERT INTO closed_seconds (measure, hour, account_id, sender_id, seconds) SELECT"
SECONDS = {
    "a second too many": (
        f"UPDATE closed_seconds SET seconds = seconds || 3599::smallint {NOON_SECONDS}",
        _of_noon("23"),
    ),
    "a second missing": (
        f"UPDATE closed_seconds SET seconds = seconds[2:] {NOON_SECONDS}",
        _of_noon("21"),
    ),
    "no second left": (
        f"UPDATE closed_seconds SET seconds = '{{}}' {NOON_SECONDS}",
        _of_noon("0"),
    ),
    "a second before those before it": (
        f"UPDATE closed_seconds SET seconds[1] = 1 {NOON_SECONDS}",
        _of_noon("22 out of order"),
    ),
    "a second of the hour before": (
        f"UPDATE closed_seconds SET seconds[1] = -1 {NOON_SECONDS}",
        _of_noon("22 out of order"),
    ),
    "a second of the next hour": (
        f"UPDATE closed_seconds SET seconds[22] = 3600 {NOON_SECONDS}",
        _of_noon("22 out of order"),
    ),
    "a second that is none": (
        f"UPDATE closed_seconds SET seconds[22] = NULL {NOON_SECONDS}",
        _of_noon("22 out of order"),
    ),
    "out of order and too many": (
        f"UPDATE closed_seconds SET seconds = 7::smallint || seconds {NOON_SECONDS}",
        _of_noon("23 out of order"),
    ),
    "seconds of another sender": (
        f"UPDATE closed_seconds SET sender_id = sender_id + 1 {NOON_SECONDS}",
        {*_of_noon("0"), ("closed_seconds.accepted", "2016-11-22 12h", "0", "22")},
    ),
    "seconds of another hour": (
        f"UPDATE closed_seconds SET hour = hour + interval '1 hour' {NOON_SECONDS}",
        {*_of_noon("0"), ("closed_seconds.accepted", "2016-11-22 13h", "0", "22")},
    ),
    "seconds that are gone": (
        "DELETE FROM closed_seconds WHERE measure = 'hard_bounces'",
        {("closed_seconds.hard_bounces", "2016-11-23 18h", "1", "0")},
    ),
    "seconds of a measure that is zero": (
        f"{OTHER_SECONDS} 'blocked_complaint', hour, account_id, sender_id, seconds FROM closed_seconds {NOON_SECONDS}",
        {("closed_seconds.blocked_complaint", "2016-11-22 12h", "0", "22")},
    ),
}
DAMAGES = {**COUNTS, **HOURS, **DAYS, **SECONDS}
