"""`composing`: the mail of one recipient out of a compiled campaign, beside one raw RSA-2048 signature, in turns.

20 KB of HTML with 5 tags, 10 tracked links, pixel and unsubscribe headers, text part derived; every copy has another
id and other values. One thread, no I/O; CPU time, so what else runs matters little.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from app.mail import verp
from app.mail.campaign import CampaignContent, CompiledCampaign, CopyFacts, Links, compile_campaign
from app.mail.dkim import Signer, make_key
from bench.options import Options
from bench.sheet import Sheet

HTML_BYTES = 20_480
KEY = b"k" * 32
FIELDS = ("FIRST_NAME", "LAST_NAME", "CITY", "PLAN", "CODE")
COPIES = 1_000
ROUND_SECONDS = 0.25
NOW = datetime(2026, 1, 20, 9, tzinfo=UTC)


def run(options: Options) -> Sheet:
    """Measure."""
    sheet = Sheet("composing: one copy of a campaign, 20 KB HTML, 5 tags, 10 links, pixel, unsubscribe headers")
    compiled = compile_campaign(content(), Links("https://mail.example.com", "bounces.example.com", KEY))
    copies = [facts(number) for number in range(COPIES)]
    rsa = Signer("example.com", "mail1", make_key()[0])
    ed25519 = Signer("example.com", "mail2", make_key("ed25519")[0])
    raw, padding, digest = generate_private_key(65537, 2048), PKCS1v15(), hashes.SHA256()
    data = bytes(600)
    for _ in range(max(options.runs, 5)):
        alone = _microseconds(lambda _: raw.sign(data, padding, digest), copies)
        unsigned = _microseconds(compiled.compose, copies)
        by_rsa = _microseconds(lambda copy: compiled.compose(copy, [rsa]), copies)
        by_ed25519 = _microseconds(lambda copy: compiled.compose(copy, [ed25519]), copies)
        both = _microseconds(lambda copy: compiled.compose(copy, [rsa, ed25519]), copies)
        sheet.add("one raw RSA-2048 signature", "us", alone)
        sheet.add("unsigned", "us/mail", unsigned)
        sheet.add("unsigned: share of a signature", "", unsigned / alone)
        sheet.add("signed, RSA-2048", "us/mail", by_rsa)
        sheet.add("signed, RSA-2048: ratio to a signature", "", by_rsa / alone)
        sheet.add("signed, Ed25519", "us/mail", by_ed25519)
        sheet.add("signed by both", "us/mail", both)
        sheet.add("compiling the campaign", "ms", _compiling())
    sheet.note(f"a copy has {len(compiled.compose(copies[0], [rsa])):,} octets")
    return sheet


def content() -> CampaignContent:
    """Return the content all is measured with."""
    tags = "".join(f"<p>{name.title()}: {{{name}}}</p>\n" for name in FIELDS)
    links = "".join(f'<p><a href="https://shop.example.com/p/{n}?utm=spring">Offer {n}</a></p>\n' for n in range(10))
    row = (
        '<tr><td style="padding:4px;font-family:Arial,sans-serif">Good things for little money, today only</td></tr>\n'
    )
    frame = "<!DOCTYPE html><html><body><table>\n", "</table>\n</body></html>\n"
    rows = (HTML_BYTES - len(tags + links) - sum(map(len, frame))) // len(row)
    return CampaignContent(
        subject="Our offers of this month",
        from_email="team@example.com",
        from_name="Acme",
        html="".join((frame[0], tags, row * (rows // 2), links, row * (rows - rows // 2), frame[1])),
        headers=(("Feedback-ID", "66008a0512fa1:7:campaign:mail-1"), ("X-Dynosend-Campaign-Id", "66008a0512fa1")),
        known=frozenset(FIELDS),
    )


def facts(number: int) -> CopyFacts:
    """Return the facts of a copy; one first name in eight is not ASCII."""
    first = ("Ann", "Bob", "Carla", "Dmitri", "Eve", "Frank", "Grace", "Zoë")[number % 8]
    values = (first, f"Lastname{number}", "Springfield", "Premium", f"CODE-{number:08}")
    return CopyFacts(
        message_id=1_000_000 + number,
        accepted_at=NOW,
        recipient=f"user{number}@example.org",
        email_id=f"20260120090000.{number:012x}@mail-1",
        return_token=verp.encode(KEY, accepted_at=int(NOW.timestamp()), message_id=1_000_000 + number),
        contact_uid=f"{number:013x}",
        values=dict(zip(FIELDS, values, strict=True)),
    )


def _microseconds(action: Callable[[CopyFacts], object], copies: list[CopyFacts]) -> float:
    began = time.process_time()
    until, done = began + ROUND_SECONDS, 0
    while time.process_time() < until:
        for copy in copies[done % COPIES : done % COPIES + 50]:
            action(copy)
        done += 50
    return (time.process_time() - began) / done * 1e6


def _compiling() -> float:
    began = time.perf_counter()
    made: CompiledCampaign = compile_campaign(content(), Links("https://mail.example.com", "b.example.com", KEY))
    assert made.targets
    return (time.perf_counter() - began) * 1e3
