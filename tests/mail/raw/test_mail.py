"""Foreign mails: read, and sent with as little changed as can be."""

import email
import email.policy
import random
import time
from datetime import UTC, datetime
from email.message import EmailMessage, Message

import pytest

from app.mail import dkim
from app.mail.campaign import Links
from app.mail.raw import CompiledRaw, Malformed, Names, compile_raw, compile_raw_tracked, read_mail
from app.mail.tracked import Tracking, Tracks
from tests.mail import verifying

NAMES = Names("<made@bounces.example.com>", datetime(2026, 11, 22, 9, 30, tzinfo=UTC), "1:2:smtp:mail-1")
LINKS = Links("http://mail.example.com", "bounces.example.com", b"k" * 32)
EVERYTHING = Tracks.OPENS | Tracks.CLICKS | Tracks.UNSUBSCRIBING
HTML = '<html><body><p>Grüße</p><a href="https://shop.example/a?x=1&amp;y=2">A</a></body></html>\n'
BLOB = random.Random(7).randbytes(60_000)
MINUTE = b"From: news@example.com\r\nTo: jo@example.org\r\nSubject: Hi\r\n"


def crlf(text: str) -> bytes:
    return text.replace("\n", "\r\n").encode()


def rich(*, cte: str = "quoted-printable") -> bytes:
    """A mail as Python's library writes it: two alternatives and an attachment."""
    message = EmailMessage(policy=email.policy.SMTP)
    message["From"] = "News <news@example.com>"
    message["To"] = "jo@example.org"
    message["Subject"] = "Hello"
    message["X-Mine"] = "kept"
    message.set_content("Grüße\n.dot\n", cte=cte)
    message.add_alternative(HTML, subtype="html", cte=cte)
    message.add_attachment(BLOB, maintype="application", subtype="octet-stream", filename="a.bin")
    message.add_attachment(HTML, subtype="html", filename="page.html")
    return message.as_bytes()


def sent(raw: bytes) -> CompiledRaw:
    return compile_raw(read_mail(raw), NAMES)


def parsed(raw: bytes) -> EmailMessage:
    message = email.message_from_bytes(raw, policy=email.policy.SMTP)
    assert isinstance(message, EmailMessage)
    return message


def whole(made: CompiledRaw) -> bytes:
    return made.head + b"\r\n" + made.body


def plain(part: Message) -> object:
    """A part's content, whatever it is."""
    assert isinstance(part, EmailMessage)
    content = part.get_content()
    return said(part) if isinstance(content, str) else content


def said(part: Message) -> str:
    """A part's text; Python's library leaves the line ends of encoded parts as they are."""
    assert isinstance(part, EmailMessage)
    return str(part.get_content()).replace("\r\n", "\n")


def tracked(raw: bytes, tracks: Tracks = EVERYTHING, signers: tuple[dkim.Signer, ...] = ()) -> bytes:
    mail = read_mail(raw)
    made = compile_raw_tracked(mail, Tracking(tracks, mail.links(LINKS.public_url), LINKS), NAMES)
    return made.compose(4711, NAMES.date, "t" * 24, signers)


def test_headers_and_parts_stay_as_they_are() -> None:
    raw = rich()
    head, _, body = raw.partition(b"\r\n\r\n")
    made = sent(raw)
    assert made.body == body
    assert made.head.startswith(head + b"\r\n")
    added = made.head[len(head) + 2 :].decode().split("\r\n")
    assert [line.partition(":")[0] for line in added if line] == ["Date", "Message-ID", "Feedback-ID"]
    assert not made.eightbit


def test_what_is_missing_is_added_and_what_is_there_is_not() -> None:
    given = b"Date: Mon, 1 Jan 2024 00:00:00 +0000\r\nMessage-ID: <a@b>\r\nMIME-Version: 1.0\r\nFeedback-ID: mine\r\n"
    assert sent(MINUTE + given + b"\r\nHi\r\n").head == MINUTE + given
    assert sent(MINUTE).body == b""
    assert b"MIME-Version: 1.0\r\n" in sent(MINUTE + b"\r\n").head


def test_hidden_recipients_and_what_is_ours_never_leave() -> None:
    ours = b"bcc: x@example.org,\r\n\ty@example.org\r\nReturn-Path: <a@b>\r\nX-TRIREME-Message: forged\r\nResent-Bcc: z@q\r\n"
    mail = read_mail(ours + MINUTE + b"\r\nHi\r\n")
    assert mail.raw == MINUTE + b"\r\nHi\r\n"
    assert [field.name for field in mail.fields] == ["From", "To", "Subject"]


@pytest.mark.parametrize("name", [b"Bcc ", b"Bcc\t", b".Bcc", b"B\xc3\xb6", b"", b"a b"])
def test_a_line_that_others_could_read_otherwise_is_refused(name: bytes) -> None:
    with pytest.raises(Malformed):
        read_mail(MINUTE + name + b": x@example.org\r\n\r\nHi\r\n")


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\r\nSubject: x\r\n",
        b"no header at all\r\n",
        MINUTE + b"\r\nbare\nline feed\r\n",
        MINUTE + b"\r\nbare\rreturn\r\n",
        MINUTE + b"X: a\nBcc: b@example.org\r\n\r\n",
        MINUTE + b"\r\nNUL \0\r\n",
        MINUTE + b"X: " + b"a" * 2000 + b"\r\n\r\nHi\r\n",
        MINUTE + b"X: y\r\n" * 2000 + b"\r\nHi\r\n",
        MINUTE + b"X: y z\r\n " * 60_000 + b"\r\n\r\nHi\r\n",
    ],
)
def test_what_can_not_be_sent_is_refused(raw: bytes) -> None:
    with pytest.raises(Malformed) as refused:
        read_mail(raw) if raw else read_mail(b"\r\n")
    assert "\r" not in str(refused.value)


def test_a_fold_of_blanks_is_no_end_of_the_header_section() -> None:
    made = sent(MINUTE + b"X-A: one\r\n \t \r\n two\r\nX-B: b\r\n\r\nHi\r\n")
    assert b"X-A: one\r\n two\r\nX-B: b\r\n" in made.head


def test_a_long_header_line_is_folded_and_says_the_same() -> None:
    many = ", ".join(f"person{number}@example.org" for number in range(200))
    made = sent(MINUTE + b"Cc: " + many.encode() + b"\r\n\r\nHi\r\n")
    assert max(map(len, made.head.split(b"\r\n"))) <= 998
    assert [one.addr_spec for one in parsed(whole(made))["Cc"].addresses] == many.split(", ")


def test_raw_text_in_headers_is_encoded_and_a_local_part_is_not() -> None:
    made = sent(crlf("From: Jö <news@example.com>\nSubject: Grüße\nTo: jö@example.org\n\nHi\n"))
    read = parsed(whole(made))
    assert (str(read["Subject"]), str(read["From"])) == ("Grüße", "Jö <news@example.com>")
    assert b"=?utf-8?" in made.head
    assert "jö@example.org".encode() in made.head  # needs SMTPUTF8
    assert sent("Subject: caf\xe9\r\n\r\n".encode("latin-1")).head.startswith(b"Subject: =?utf-8?")


@pytest.mark.parametrize("cte", ["8bit", "quoted-printable", "base64"])
def test_eight_bit_text_is_sent_in_seven_and_reads_the_same(cte: str) -> None:
    raw = rich(cte=cte)
    made = sent(raw)
    assert made.body.isascii()
    before, after = parsed(raw), parsed(whole(made))
    for one, other in zip(before.walk(), after.walk(), strict=True):
        assert one.get_content_type() == other.get_content_type()
        if not one.is_multipart():
            assert plain(one) == plain(other)


def test_a_text_that_says_nothing_of_its_charset_is_told_to_be_utf8() -> None:
    made = sent(crlf("From: a@example.com\nSubject: x\n\nGrüße\n.\n"))
    read = parsed(whole(made))
    assert (said(read), read["Content-Type"]) == ("Grüße\n.\n", 'text/plain; charset="utf-8"')
    kept = sent(b"From: a@example.com\r\nContent-Type: text/plain; charset=latin-1; format=flowed\r\n\r\ncaf\xe9\r\n")
    assert said(parsed(whole(kept))) == "café\n"
    assert b"format=flowed" in kept.head


def test_long_lines_are_encoded_too() -> None:
    text = "word " * 1000
    made = sent(MINUTE + b"Content-Type: text/plain\r\n\r\n" + text.encode() + b"\r\n")
    assert max(map(len, made.body.split(b"\r\n"))) <= 76
    assert said(parsed(whole(made))) == text + "\n"


def test_what_is_signed_by_its_author_stays_to_the_octet() -> None:
    inner = crlf("Content-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n" + HTML)
    body = b"--s\r\n" + inner + b"\r\n--s\r\nContent-Type: application/pgp-signature\r\n\r\nxx\r\n--s--\r\n"
    raw = MINUTE + b"Content-Type: multipart/signed; boundary=s\r\n\r\n" + body
    made = sent(raw)
    assert made.body == body
    assert made.eightbit
    assert tracked(raw).endswith(b"\r\n\r\n" + body)


def test_an_attached_mail_is_made_safe_but_never_tracked() -> None:
    inner = crlf("Subject: inner\nContent-Type: text/html; charset=utf-8\n\n" + HTML)
    raw = MINUTE + b"Content-Type: message/rfc822\r\n\r\n" + inner
    assert read_mail(raw).links(LINKS.public_url) == ()
    made = sent(raw)
    assert made.body.isascii()
    attached = list(parsed(whole(made)).walk())[1]
    assert said(attached) == HTML


def test_tracking_touches_the_html_that_is_shown_and_nothing_else() -> None:
    raw = rich(cte="8bit")
    read = parsed(tracked(raw))
    text, html, blob, page = [part for part in read.walk() if not part.is_multipart()]
    assert said(text) == "Grüße\n.dot\n"
    assert blob.get_content() == BLOB
    assert said(page) == HTML
    shown = html.get_content()
    assert "Grüße" in shown
    assert shown.count("http://mail.example.com/t/c/") == 1
    assert shown.count("http://mail.example.com/t/o/") == 1
    assert "shop.example" not in shown
    assert read["List-Unsubscribe"].startswith("<http://mail.example.com/u/")
    assert read["X-Mine"] == "kept"


def test_own_unsubscribing_is_kept_and_ours_is_not_added() -> None:
    own = b"List-Unsubscribe: <https://own.example/u>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
    read = parsed(tracked(MINUTE + own + b"\r\nHi\r\n"))
    assert read.get_all("List-Unsubscribe") == ["<https://own.example/u>"]
    lonely = parsed(tracked(MINUTE + b"List-Unsubscribe-Post: x\r\n\r\nHi\r\n"))
    assert lonely.get_all("List-Unsubscribe-Post") == ["List-Unsubscribe=One-Click"]


@pytest.mark.parametrize("charset", ["latin-1", "iso-8859-1", "utf-8", "shift_jis"])
def test_a_single_html_part_in_any_charset_is_tracked(charset: str) -> None:
    text = HTML.replace("Grüße", "日本") if charset == "shift_jis" else HTML
    head = f"Content-Type: text/html; charset={charset}\r\nContent-Transfer-Encoding: 8bit\r\n\r\n".encode()
    read = parsed(tracked(MINUTE + head + text.replace("\n", "\r\n").encode(charset)))
    shown = read.get_content()
    assert ("日本" if charset == "shift_jis" else "Grüße") in shown
    assert "/t/c/" in shown or charset == "latin-1"  # which is no registered name, so it is left alone


@pytest.mark.parametrize("tracks", [None, EVERYTHING, Tracks.UNSUBSCRIBING])
@pytest.mark.parametrize("body", [b"", b"\r\n", b".\r\n..x\r\n\r\n\r\n", b"a  b \t\r\n", None])
def test_signatures_verify_as_they_are_read(tracks: Tracks | None, body: bytes | None) -> None:
    raw = rich(cte="8bit") if body is None else MINUTE + b"\r\n" + body
    pem, record = dkim.make_key("ed25519")
    signer = dkim.Signer("example.com", "m", pem)
    if tracks is None:
        made = sent(raw)
        octets = signer.sign(made.head, made.body) + whole(made)
    else:
        octets = tracked(raw, tracks, (signer,))
        octets = octets.replace(b"\r\n..", b"\r\n.")  # as a server undoes it
    assert verifying.verify(octets, {"m._domainkey.example.com": record})


def test_dots_at_the_beginning_of_lines_are_doubled_when_a_tracked_mail_is_sent() -> None:
    assert tracked(MINUTE + b"\r\n.\r\nBcc: x\r\n", Tracks.UNSUBSCRIBING).endswith(b"\r\n\r\n..\r\nBcc: x\r\n")


BOMBS = {
    "parts": b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * 10_000,
    "nested": b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(10_000)),
    "mails in mails": b"Content-Type: message/rfc822\r\n\r\n" * 10_000,
    "delimiters": b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"\r\n--ba" * 3_000_000,
    "parameters": b"Content-Type: multipart/mixed" + b'; boundary="' * 8_000 + b"\r\n\r\nx\r\n",
    "blanks": b"Content-Type: text/html;" + b" \r\n " * 30_000 + b"\r\n\r\nx\r\n",
    "words": b"Subject: " + b"=?utf-8?q?" * 9_000 + b"\r\n\r\nx\r\n",
}


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
def test_a_bomb_costs_little_time(bomb: bytes) -> None:
    began = time.process_time()
    try:
        mail = read_mail(b"From: news@example.com\r\n" + bomb)
        [field.shown for field in mail.fields]
        mail.links(LINKS.public_url)
        compile_raw(mail, NAMES)
    except Malformed:
        pass
    assert time.process_time() - began < 2


def test_octets_at_random_never_raise_anything_else() -> None:
    chance = random.Random(11)
    pieces = [
        b"\r\n", b"\r\n\r\n", b"--b", b"--b--", b"Content-Type: ", b"multipart/mixed; boundary=b", b"text/html",
        b"; charset=utf-8", b"; charset=utf-16", b"Content-Transfer-Encoding: ", b"base64", b"quoted-printable", b"=3D", b"=",
        b"\xc3\xbc", b"\xff", b"<a href='https://x.example/'>", b"</body>", b"message/rfc822", b".", b"AAAA", b" ",
    ]  # fmt: skip
    for _ in range(3_000):
        rest = b"".join(chance.choices(pieces, k=chance.randrange(40)))
        try:
            mail = read_mail(b"From: news@example.com\r\n" + rest + b"\r\n")
        except Malformed:
            continue
        made = compile_raw(mail, NAMES)
        assert made.body == b"" or made.body.endswith(b"\r\n")
        compile_raw_tracked(mail, Tracking(EVERYTHING, mail.links(LINKS.public_url), LINKS), NAMES).compose(
            1, NAMES.date, "t" * 24
        )
