"""The verdict of a chaos run finds what it is there to find."""

from typing import Any

from bench.chaos_verdict import Expected, Verdict, compare
from bench.record import Taken

SAID = {1: ("0", "0"), 2: ("1", "0")}
EVERYBODY = Expected(frozenset({"a@x.org", "b@x.org"}), frozenset({"perhaps@x.org"}))


def mail(address: str, *marks: str, message_id: str = "1@x") -> Taken:
    return Taken(1.0, 1, address, "bounces@x.org", message_id, 1000, marks or ("0", "0"))


def copy(address: str, state: str = "delivered", *, flagged: bool = False, version: int = 1) -> dict[str, Any]:
    return {"recipient": address, "state": state, "possible_duplicate": flagged, "content_version": version}


def verdict(mails: list[Taken], rows: list[dict[str, Any]], expected: Expected = EVERYBODY) -> Verdict:
    return compare(expected, mails, rows, SAID)


def test_everybody_once_is_right() -> None:
    found = verdict([mail("a@x.org"), mail("b@x.org")], [copy("a@x.org"), copy("b@x.org")])
    assert found == Verdict()


def test_a_final_state_explains_what_never_arrived() -> None:
    found = verdict([mail("a@x.org")], [copy("a@x.org"), copy("b@x.org", "blocked")])
    assert found == Verdict()


def test_who_got_nothing_and_has_no_final_state_is_lost() -> None:
    for state in ("delivered", "queued", "sending", "uncertain"):
        assert verdict([mail("a@x.org")], [copy("a@x.org"), copy("b@x.org", state)]).lost == 1
    assert verdict([mail("a@x.org")], [copy("a@x.org")]).lost == 1


def test_who_was_not_reached_before_a_stop_is_not_lost() -> None:
    stopped = Expected(EVERYBODY.certain, unreached=1)
    assert verdict([mail("a@x.org")], [copy("a@x.org")], stopped) == Verdict()
    assert verdict([mail("a@x.org"), mail("b@x.org")], [copy("a@x.org"), copy("b@x.org")], stopped).lost == 1


def test_doubles_are_counted_and_their_flags() -> None:
    mails = [mail("a@x.org")] * 3 + [mail("b@x.org")] * 2
    found = verdict(mails, [copy("a@x.org", flagged=True), copy("b@x.org")])
    assert (found.doubled, found.extra, found.flagged, found.flags, found.lost) == (2, 3, 1, 1, 0)
    assert found.faults == ["doubled and not flagged: b@x.org"]


def test_mails_without_a_copy_and_copies_that_say_otherwise_are_strangers() -> None:
    rows = [copy("a@x.org"), copy("b@x.org", "failed")]
    assert verdict([mail("a@x.org"), mail("b@x.org"), mail("perhaps@x.org")], rows).strangers == 2
    assert verdict([mail("a@x.org")], [copy("a@x.org"), copy("b@x.org", "blocked"), copy("c@x.org")]).strangers == 1
    assert verdict([mail("a@x.org")], [copy("a@x.org"), copy("a@x.org"), copy("b@x.org", "blocked")]).strangers == 1


def test_each_mail_must_say_what_its_version_says_under_one_message_id() -> None:
    rows = [copy("a@x.org", version=2), copy("b@x.org", "blocked")]
    assert verdict([mail("a@x.org", "1", "0")], rows).other_content == 0
    assert verdict([mail("a@x.org", "0", "0")], rows).other_content == 1
    two = [mail("a@x.org", "1", "0"), mail("a@x.org", "1", "0", message_id="2@x")]
    assert verdict(two, rows).other_content == 1
