"""Suppression lists as CSV."""

import io
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.suppressions import CSV_HEADER, BadLine, Entry, NewEntry, Reason, csv_line, files, read_csv

NOON = datetime(2016, 11, 22, 12, tzinfo=UTC)


def read(text: str, reason: Reason = Reason.MANUAL) -> list[NewEntry | BadLine]:
    return list(read_csv(io.StringIO(text, newline=""), reason=reason))


@pytest.mark.parametrize(
    "text",
    [
        "a@x.example,hardbounce,2016-11-22T12:00:00Z,550 no",
        "A@X.example,HARDBOUNCE,2016-11-22T12:00:00Z,550 no\r\n\r\n",
        "a@x.example;hardbounce;2016-11-22 12:00;550 no\n",
        'a@x.example\thardbounce\t2016-11-22T13:00:00+01:00\t"550 no"\r',
        "email,reason,created_at,detail\na@x.example,hardbounce,2016-11-22T12:00:00.000000Z,550 no\n",
        "\nDetail, created_at ,list,REASON,E-Mail\n 550 no ,2016-11-22T12:00:00Z,7,hardbounce, a@x.example \n,,,,\n",
    ],
)
def test_a_file_of_any_usual_shape_is_read(text: str) -> None:
    assert read(text) == [NewEntry("a@x.example", Reason.HARDBOUNCE, "550 no", NOON)]


def test_one_column_is_enough_and_the_reason_is_the_callers() -> None:
    expected = [NewEntry("a@x.example", Reason.UNSUBSCRIBE), NewEntry("b@xn--bcher-kva.example", Reason.UNSUBSCRIBE)]
    for header in ("", "email\n", '"Address"\r\n'):
        assert read(f"{header}a@x.example\nb@Bücher.example", Reason.UNSUBSCRIBE) == expected
    assert read("") == read("\n\n") == read("email\n") == []


def test_bad_lines_are_named_by_their_numbers_and_spoil_nothing_else() -> None:
    bad = [
        "nobody,manual",
        "a\x00@x.example",
        "Ann <a@x.example>",
        "a@x.example,spam",
        "a@x.example,manual,yesterday",
        "a@x.example,manual,9999-12-31T00:00:00Z",
        "a@x.example,manual,0001-01-01T00:00:00+23:00",
        'a@x.example,manual,,"never closed',
        'a@x.example,"man"ual',
        "a" * 250_000 + "@x.example,manual",
        ",manual",
    ]
    lines = "".join(f"{line}\ngood{number}@x.example\n" for number, line in enumerate(bad))
    found = read(f"email,reason,created_at,detail\n{lines}")
    assert found[1::2] == [NewEntry(f"good{number}@x.example", Reason.MANUAL) for number in range(len(bad))]
    told = [(one.line, one.email, one.fault.field) for one in found[::2] if isinstance(one, BadLine)]
    assert [line for line, _, _ in told] == list(range(2, 2 * len(bad) + 2, 2))
    assert [name for _, _, name in told] == [
        "email", "email", "email", "reason", "created_at", "created_at", "created_at", "line", "line", "line", "email",
    ]  # fmt: skip
    assert told[0][1] == "nobody"


def test_bytes_that_are_no_text_are_a_bad_line() -> None:
    file = io.TextIOWrapper(
        io.BytesIO(b"\xef\xbb\xbfemail\na\xff@x.example\nb@x.example\n"),
        encoding="utf-8-sig", errors="surrogateescape", newline="",
    )  # fmt: skip
    bad, good = read_csv(file)
    assert isinstance(bad, BadLine)
    assert good == NewEntry("b@x.example", Reason.MANUAL)


def test_a_line_is_not_held_in_memory_whatever_its_length() -> None:
    asked: list[int] = []

    class Endless:
        def readline(self, size: int, /) -> str:
            asked.append(size)
            return "a" * size if len(asked) < 50 else "\n" if len(asked) == 50 else ""

    [bad] = read_csv(Endless())
    assert isinstance(bad, BadLine)
    assert set(asked) == {files.MAX_LINE}


@given(
    st.sampled_from(Reason),
    st.datetimes(datetime(1970, 1, 2), datetime(2026, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 the timezone follows
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=50),
)
def test_what_is_written_is_read_back(reason: Reason, since: datetime, detail: str) -> None:
    entry = Entry(7, "o'neill+x@x.example", reason, detail, None, None, since)
    assert read(CSV_HEADER + csv_line(entry)) == [NewEntry(entry.address, reason, " ".join(detail.split()), since)]


def test_a_detail_of_several_lines_is_written_in_one() -> None:
    entry = Entry(7, "a@x.example", Reason.MANUAL, "550-no\r\n550 really, no", None, None, NOON)
    assert csv_line(entry) == 'a@x.example,manual,2016-11-22T12:00:00.000000Z,"550-no 550 really, no"\r\n'
