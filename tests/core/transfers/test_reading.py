"""CSV in pieces: whatever is fed, rows come once, in order, and reading goes on at any batch's place."""

import csv
import io
import tracemalloc

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.core.transfers import reading
from app.core.transfers.reading import CsvReader, Place


def read(
    data: bytes, *, piece: int = 1000, most: int = 7, again: bool = False
) -> tuple[list[tuple[int, list[str]]], list[int]]:
    """Return rows and lines of bad ones; `again` begins with a new reader after every batch."""
    rows: list[tuple[int, list[str]]] = []
    bad: list[int] = []
    reader, fed = CsvReader(Place(), delimiter=","), 0
    while not reader.has_ended:
        batch = reader.batch(most)
        rows += batch.rows
        bad += [one.line for one in batch.bad]
        if again and (batch.rows or batch.bad) and not reader._skipping:
            reader, fed = CsvReader(batch.place, delimiter=","), batch.place.offset
        if not (batch.rows or batch.bad) or not reader.waiting:
            reader.feed(data[fed : fed + piece])
            fed += piece
    return rows, bad


@pytest.mark.parametrize("again", [False, True])
@pytest.mark.parametrize("piece", [1, 5, 1000])
def test_rows_are_what_the_standard_says(piece: int, again: bool) -> None:
    data = 'a,b\r\n"x, ""y""\r\nz",2\n\n"",\n5" pipe,ü\nlast,1'.encode()
    rows, bad = read(data, piece=piece, most=1, again=again)
    assert rows == [
        (1, ["a", "b"]),
        (2, ['x, "y"\r\nz', "2"]),
        (5, ["", ""]),
        (6, ['5" pipe', "ü"]),
        (7, ["last", "1"]),
    ]
    assert bad == []


@pytest.mark.parametrize("piece", [3, 1000])
def test_a_quote_that_is_never_closed_costs_its_line(piece: int) -> None:
    rows, bad = read(b'a\n"open\nb\n"c"\n"d"x\ne\n"end', piece=piece)
    assert (rows, bad) == ([(1, ["a"]), (3, ["b"]), (4, ["c"]), (6, ["e"])], [2, 5, 7])


def test_a_byte_order_mark_is_no_part_of_the_first_name() -> None:
    assert read(b"\xef\xbb\xbfEMAIL\nx\n", piece=2)[0] == [(1, ["EMAIL"]), (2, ["x"])]


def test_too_many_values_and_too_long_lines_fail_alone() -> None:
    data = b"a\n" + b"," * 10_000 + b"\n" + b"x" * 3_000_000 + b"\nb\n" + b"y" * 500_000
    assert read(data, piece=100_000) == ([(1, ["a"]), (4, ["b"])], [2, 3, 5])


def test_many_quotes_that_are_never_closed_take_no_long_time() -> None:
    rows, bad = read(b'"\n' * 20_000 + b"b\n", piece=1 << 20, most=5000)
    assert rows[-1] == (20_001, ["b"])
    assert len(rows) + len(bad) <= 20_001


def test_what_is_not_utf8_is_kept_to_be_told() -> None:
    reader = CsvReader(Place(), delimiter=",")
    reader.feed(b"caf\xe9,1\nx\0y,2\n")
    reader.feed(b"")
    batch = reader.batch(10)
    assert (batch.rows, batch.clean, batch.place.offset) == ([(1, ["caf\udce9", "1"]), (2, ["x\0y", "2"])], False, 13)


@given(st.lists(st.lists(st.text(max_size=20), min_size=1, max_size=4), max_size=12), st.integers(1, 50))
def test_what_was_written_is_read(written: list[list[str]], piece: int) -> None:
    out = io.StringIO(newline="")
    csv.writer(out, quoting=csv.QUOTE_ALL).writerows(written)
    data = out.getvalue().encode("utf-8", "surrogatepass")
    want = [
        [cell.encode("utf-8", "surrogatepass").decode("utf-8", "surrogateescape") for cell in row] for row in written
    ]
    for again in (False, True):
        rows, bad = read(data, piece=piece, again=again, most=2)
        assert ([cells for _, cells in rows], bad) == (want, [])


@given(
    st.binary(max_size=300) | st.lists(st.sampled_from([b'"', b"\n", b"\r", b",", b"a", b"\0", b"\xff"])).map(b"".join)
)
@example(b'"\r\n"')
@example(b'"\na,b\n')
def test_any_bytes_end_and_a_new_reader_sees_the_same(data: bytes) -> None:
    once = read(data, piece=1 << 20, most=1000)
    assert read(data, piece=7, most=2, again=True) == once
    assert once[1] == sorted(set(once[1]))


def test_memory_does_not_grow_with_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "WINDOW", 1 << 18)
    reader = CsvReader(Place(), delimiter=",")
    piece = (b"someone@example.com,Name,%s\n" % (b"City" * 220)) * 1000
    tracemalloc.start()
    try:
        for _ in range(20):
            reader.feed(piece)
            while reader.waiting > 1 << 20 and reader.batch(5000).rows:
                pass
        assert tracemalloc.get_traced_memory()[1] < 12_000_000
    finally:
        tracemalloc.stop()
