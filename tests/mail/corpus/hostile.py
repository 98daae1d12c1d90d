"""Messages that mean harm, made anew for each reading: name to bytes."""

import base64
import random
from collections.abc import Callable, Iterator
from functools import partial

MB = 1024 * 1024
DSN = (
    b"Reporting-MTA: dns; mx.example.org\r\n\r\nFinal-Recipient: rfc822; jo@example.org\r\nAction: failed\r\n"
    b"Status: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1 user unknown\r\n"
)
REPORT = (
    b"From: MAILER-DAEMON@x.example\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n"
)
STATUS = b"--b\r\nContent-Type: message/delivery-status\r\n\r\n"


def messages() -> Iterator[tuple[str, Callable[[], bytes]]]:
    """Return names and makers, over a hundred of them."""
    for family in (
        _nested,
        _large,
        _headers,
        _line_ends,
        _boundaries,
        _charsets,
        _encodings,
        _statuses,
        _feedback,
        _words,
    ):
        yield from family().items()
    for seed in range(12):
        yield f"noise {seed}", partial(_noise, seed)
    for seed in range(12):
        yield f"a report with bytes changed {seed}", partial(_changed, seed)


def dsn(told: bytes = DSN, kind: bytes = b"message/delivery-status", extra: bytes = b"") -> bytes:
    """Return a report with this part for programs."""
    return REPORT + b"--b\r\nContent-Type: " + kind + b"\r\n" + extra + b"\r\n" + told + b"\r\n--b--\r\n"


def _nested() -> dict[str, Callable[[], bytes]]:
    def deep(levels: int, kind: bytes = b"mixed", name: bytes = b"b%d") -> bytes:
        opened = b"".join(
            b"Content-Type: multipart/%s; boundary=%s\r\n\r\n--%s\r\n" % (kind, name % n, name % n)
            for n in range(levels)
        )
        return b"From: <>\r\n" + opened + b"Content-Type: message/delivery-status\r\n\r\n" + DSN

    same = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
    attached = b"Content-Type: message/rfc822\r\n\r\n"
    return {
        "10,000 nested parts": lambda: deep(10_000),
        "100,000 nested parts": lambda: deep(100_000),
        "nested digests": lambda: deep(5_000, b"digest"),
        "nested with one boundary": lambda: b"From: <>\r\n" + same * 50_000,
        "nested reports": lambda: deep(5_000, b"report"),
        "nested attached messages": lambda: attached * 100_000 + dsn(),
        "attached messages of reports": lambda: (attached + REPORT + b"--b\r\n") * 10_000,
        "boundaries that begin another": lambda: deep(3_000, name=b"x" * 3 + b"%d"),
        "10,000 parts": lambda: REPORT + STATUS * 10_000,
        "1,000,000 empty parts": lambda: REPORT + b"--b\r\n\r\n" * 1_000_000,
        "10,000 large parts for programs": lambda: REPORT + (STATUS + b"a: b\r\n" * 300) * 10_000,
        "10,000 parts of HTML": lambda: REPORT + b"--b\r\nContent-Type: text/html\r\n\r\n<p>\r\n" * 10_000,
        "100 parts of 4,000 fields": lambda: (
            REPORT + (b"--b\r\n" + b"X-Field: %s\r\n" % (b"a" * 48) * 4_000 + b"\r\nx\r\n") * 100
        ),
        "deep, then large": lambda: deep(8) + b"--b0x" * (4 * MB),
    }


def _large() -> dict[str, Callable[[], bytes]]:
    return {
        "50 MB of one line": lambda: REPORT + STATUS + b"a" * 50 * MB,
        "50 MB of line ends": lambda: REPORT + STATUS + b"\n" * 50 * MB,
        "50 MB of dashes": lambda: REPORT + b"-" * 50 * MB,
        "50 MB of almost boundaries": lambda: REPORT + b"\r\n--bb" * (50 * MB // 6),
        "50 MB of boundaries": lambda: REPORT + b"\r\n--b\r\n" * (50 * MB // 7),
        "50 MB before the report": lambda: REPORT + b"x" * 50 * MB + b"\r\n" + STATUS + DSN,
        "50 MB of base64": lambda: dsn(b"QUJD" * (50 * MB // 4), extra=b"Content-Transfer-Encoding: base64\r\n"),
        "50 MB of quoted-printable": lambda: dsn(
            b"=41=" * (50 * MB // 4), extra=b"Content-Transfer-Encoding: quoted-printable\r\n"
        ),
        "50 MB in the head": lambda: b"X-A: " + b"a" * 50 * MB + b"\r\n\r\nx",
        "50 MB without a colon": lambda: b"a\n" * 25 * MB,
        "50 MB of blanks": lambda: b" " * 50 * MB,
        "50 MB of NULs": lambda: b"\0" * 50 * MB,
        "50 MB returned": lambda: (
            REPORT + STATUS + DSN + b"--b\r\nContent-Type: message/rfc822\r\n\r\n" + b"x\r\n" * (16 * MB)
        ),
        "80 MB": lambda: dsn() + b"a" * 80 * MB,
        "25 MB of periodic near boundaries": lambda: (
            b"Content-Type: multipart/mixed; boundary=" + b"a" * 68 + b"\r\n\r\n" + (b"-" + b"a" * 67) * (25 * MB // 68)
        ),
        "nothing": lambda: b"",
        "one byte": lambda: b"\n",
    }


def _headers() -> dict[str, Callable[[], bytes]]:
    return {
        "a million fields": lambda: b"A: b\r\n" * 1_000_000 + b"\r\n" + DSN,
        "a million folded lines": lambda: b"Subject: a\r\n" + b" b\r\n" * 1_000_000 + b"\r\nx",
        "a fold first": lambda: b" folded\r\nFrom: <>\r\n\r\nx",
        "fields without names": lambda: b": x\r\n" * 10_000 + b"\r\nx",
        "two content types": lambda: b"Content-Type: text/plain\r\n" + dsn(),
        "doubled senders": lambda: (
            b"From: jo@example.org\r\nReturn-Path: <jo@example.org>\r\nReturn-Path: <>\r\n" + dsn()
        ),
        "injected lines in a subject": lambda: (
            b"From: <>\r\nSubject: =?utf-8?q?a=0D=0AX-Trireme-Message:_b?=\r\n\r\nundelivered"
        ),
        "endless encoded words": lambda: b"From: <>\r\nSubject: " + b"=?utf-8?q?=61?= " * 50_000 + b"\r\n\r\nx",
        "encoded words in unknown charsets": lambda: (
            b"From: <>\r\nSubject: =?zip?b?QUJD?= =?idna?q?a?= =?x\r\n\r\nundeliverable"
        ),
        "a content type of parameters": lambda: b"Content-Type: multipart/report" + b"; a=b" * 100_000 + b"\r\n\r\nx",
        "open quotes": lambda: b'Content-Type: multipart/report; boundary="' + b'\\"' * 100_000 + b"\r\n\r\nx",
        "control characters": lambda: bytes(range(32)) + b": x\r\n" + dsn(),
        "bytes above 127 in the head": lambda: b"Subject: " + bytes(range(128, 256)) * 100 + b"\r\n" + dsn(),
        "NULs in names": lambda: b"Con\0tent-Type: multipart/report; bound\0ary=b\r\n\r\n" + STATUS + DSN,
        "an mbox line": lambda: b"From x Tue Nov 22\r\n" + dsn(),
        "no blank line": lambda: b"From: <>\r\nSubject: undeliverable",
    }


def _line_ends() -> dict[str, Callable[[], bytes]]:
    whole = dsn()
    return {
        "bare LF": lambda: whole.replace(b"\r\n", b"\n"),
        "bare CR": lambda: whole.replace(b"\r\n", b"\r"),
        "LF CR": lambda: whole.replace(b"\r\n", b"\n\r"),
        "CR CR LF": lambda: whole.replace(b"\r\n", b"\r\r\n"),
        "mixed": lambda: whole.replace(b"\r\n", b"\n", 4).replace(b"\r\n", b"\r", 3),
        "a smuggled end of data": lambda: whole.replace(b"\r\n\r\n", b"\n.\nMAIL FROM:<a@b.example>\r\n\r\n"),
        "other line separators": lambda: whole.replace(b"\r\n", "\u2028\x0b\x0c\x85".encode()),
        "NUL at every end": lambda: whole.replace(b"\r\n", b"\0\r\n"),
    }


def _boundaries() -> dict[str, Callable[[], bytes]]:
    def bounded(boundary: bytes, used: bytes | None = None) -> bytes:
        line = b"--" + (boundary if used is None else used)
        return (
            b"From: <>\r\nContent-Type: multipart/report; boundary=" + boundary + b"\r\n\r\n" + line + b"\r\n"
            b"Content-Type: message/delivery-status\r\n\r\n" + DSN + b"\r\n" + line + b"--\r\n"
        )

    return {
        "empty boundary": lambda: bounded(b'""'),
        "boundary of dashes": lambda: bounded(b"--"),
        "boundary of blanks": lambda: bounded(b'"   "', b"   "),
        "boundary of 10,000 characters": lambda: bounded(b"a" * 10_000),
        "boundary with line ends": lambda: bounded(b'"a\r\n b"', b"a b"),
        "boundary that is not used": lambda: bounded(b"a", b"z"),
        "boundary in bytes above 127": lambda: bounded(b"\xff\xfe"),
        "boundary that ends at once": lambda: bounded(b"a").replace(b"--a\r\n", b"--a--\r\n", 1),
        "boundary twice": lambda: bounded(b"a; boundary=z", b"z"),
        "boundary of one byte": lambda: bounded(b"a") + b"--a\r\n" * 100_000,
        "boundary in continuations": lambda: bounded(b"a; boundary*0=z; boundary*1=y"),
        "a multipart that ends in its head": lambda: bounded(b"a")[:80],
    }


def _charsets() -> dict[str, Callable[[], bytes]]:
    names = ("zip", "bz2", "rot13", "hex", "idna", "punycode", "unicode_escape", "utf-7", "undefined", "utf-16", "utf-32", "x" * 5_000,
             "../etc", "iso-2022-jp", "hz", "raw_unicode_escape", "mbcs", "\0", "cp037")  # fmt: skip

    def told(name: str) -> bytes:
        head = b"From: <>\r\nSubject: undeliverable\r\nContent-Type: text/plain; charset=" + name.encode() + b"\r\n\r\n"
        return head + b"+AGE-\\N{BEL}xn--a\xff\xfe\x1b$B" * 20_000

    return {f"charset {name[:20]!r}": partial(told, name) for name in names}


def _encodings() -> dict[str, Callable[[], bytes]]:
    def encoded(data: bytes, name: bytes) -> bytes:
        return dsn(data, extra=b"Content-Transfer-Encoding: " + name + b"\r\n")

    return {
        "base64 of one byte too many": lambda: encoded(base64.b64encode(DSN) + b"Q", b"base64"),
        "base64 of signs": lambda: encoded(b"=" * 100_000, b"base64"),
        "base64 with a bomb behind": lambda: encoded(base64.b64encode(DSN * 20_000), b"base64"),
        "base64 that is none": lambda: encoded(DSN, b"base64"),
        "quoted-printable, broken": lambda: encoded(b"=" * 100_000 + DSN, b"quoted-printable"),
        "unknown encoding": lambda: encoded(DSN, b"x-uuencode"),
        "encoding of 100,000 characters": lambda: encoded(DSN, b"b" * 100_000),
    }


def _statuses() -> dict[str, Callable[[], bytes]]:
    block = b"Final-Recipient: rfc822; stranger%d@example.net\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n"
    return {
        "100,000 recipients": lambda: dsn(b"".join(block % n for n in range(100_000))),
        "recipients without blank lines": lambda: dsn(b"Final-Recipient: rfc822;a@b.example\r\n" * 100_000),
        "endless diagnostic": lambda: dsn(DSN + b" more\r\n" * 1_000_000),
        "diagnostic of digits": lambda: dsn(DSN.replace(b"550 5.1.1", b"5" * 1_000_000)),
        "status of digits": lambda: dsn(DSN.replace(b"Status: 5.1.1", b"Status: " + b"5." * 500_000)),
        "status above all": lambda: dsn(DSN.replace(b"5.1.1", b"9.999.999")),
        "status not of ASCII digits": lambda: dsn(DSN.replace(b"5.1.1", "\u0665.\u0661.\u0661".encode())),
        "doubled actions": lambda: dsn(DSN.replace(b"Action: failed", b"Action: delivered\r\nAction: failed")),
        "action unknown": lambda: dsn(DSN.replace(b"failed", b"exploded")),
        "escapes without end": lambda: dsn(
            DSN.replace(b"rfc822; jo", b"utf-8; " + b"\\x{110000}\\x{D800}\\x{0}" * 50_000)
        ),
        "line ends in escapes": lambda: dsn(DSN.replace(b"rfc822; jo", b"utf-8; \\x{D}\\x{A}X: y")),
        "xtext without end": lambda: dsn(
            DSN.replace(b"Action", b"Original-Recipient: rfc822;" + b"+2B+" * 100_000 + b"\r\nAction")
        ),
        "blank lines only": lambda: dsn(b"\r\n" * 1_000_000),
        "one field, 100,000 types": lambda: dsn(DSN.replace(b"smtp; ", b"smtp; " * 100_000)),
    }


def _feedback() -> dict[str, Callable[[], bytes]]:
    def arf(told: bytes, returned: bytes) -> bytes:
        return (
            b"From: fbl@x.example\r\nX-Trireme-Message: aaaaaaaaaaaaaaaaaaaaaaaa\r\nContent-Type: multipart/report;"
            b" report-type=feedback-report; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nX-Trireme-Message:"
            b" aaaaaaaaaaaaaaaaaaaaaaaa\r\n--b\r\nContent-Type: message/feedback-report\r\n\r\n" + told + b"\r\n--b\r\n"
            b"Content-Type: message/rfc822\r\n\r\n" + returned + b"\r\n--b--\r\n"
        )

    return {
        "complaint without a token": lambda: arf(
            b"Feedback-Type: abuse\r\n", b"From: a@b.example\r\n\r\nX-Trireme-Message: " + b"a" * 24
        ),
        "complaint with a token of another shape": lambda: arf(
            b"Feedback-Type: abuse\r\n", b"X-Trireme-Message: ' OR 1=1 --\r\n\r\n"
        ),
        "complaint with two tokens": lambda: arf(
            b"Feedback-Type: abuse", b"X-Trireme-Message: b\r\nX-Trireme-Message: " + b"a" * 24
        ),
        "complaint of no type": lambda: arf(b"Version: 1\r\n", b"X-Trireme-Message: " + b"a" * 24 + b"\r\n\r\n"),
        "endless complaint": lambda: arf(b"Feedback-Type: abuse\r\n" * 500_000, b"\r\n\r\n"),
        "complaint about a path without end": lambda: arf(
            b"Feedback-Type: abuse\r\nOriginal-Mail-From: " + b"bounces+" * 100_000, b""
        ),
    }


def _words() -> dict[str, Callable[[], bytes]]:
    return {
        f"words without end: {word[:16].decode()!r}": partial(_repeated, word)
        for word in (
            b"delivery ", b"error ", b"mailbox ", b"unknown ", b"550 ", b"550-5.1.1 a\n", b"Hi. This is the ", b"--- ", b"a@", b"a.", b"<",
            b"original message ", b"domain ", b"your message to ", b"5.1.1.", b"nicht ", b"(", b"postfach ",
        )
    }  # fmt: skip


def _repeated(word: bytes) -> bytes:
    return b"From: MAILER-DAEMON@x.example\r\nSubject: failure notice\r\n\r\n" + word * (2 * MB // len(word))


def _noise(seed: int) -> bytes:
    return REPORT + STATUS + random.Random(seed).randbytes(200_000)


def _changed(seed: int) -> bytes:
    draw, raw = random.Random(seed), bytearray(dsn())
    for _ in range(draw.randrange(1, 40)):
        raw[draw.randrange(len(raw))] = draw.randrange(256)
    return bytes(raw)
