"""The files of the corpus, made into messages."""

import base64
import quopri
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from email.header import Header
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
RECIPIENT = "jo@example.org"
_CODE = re.compile(r"[245]\d\d[ -]([245]\.\d{1,3}\.\d{1,3})")
_RETURNED = (
    "From: News <news@example.com>\r\nTo: jo@example.org\r\nSubject: News for you\r\n"
    "X-Trireme-Message: abcdefghijklmnopqrstuvwx\r\n\r\nThe account of a stranger is disabled: 550 5.1.1 user unknown\r\n"
)


@dataclass(frozen=True, slots=True)
class Sample:
    """One message and what it is: category, type and code; or `none` and a word."""

    group: str
    reply: str
    label: tuple[str, ...]
    raw: bytes
    sender: str | None


def samples(part: str) -> Iterator[Sample]:
    """Return the samples of `known` or `unseen`."""
    for path in sorted((HERE / part).glob("*.toml")):
        data = tomllib.loads(path.read_text("utf-8"))
        for group in data["group"]:
            yield from _samples(f"{path.stem}: {group['name']}", group)


def _samples(name: str, group: dict[str, Any]) -> Iterator[Sample]:
    sender = group.get("sender", "")
    lines = [line for line in group["replies"].strip().splitlines() if line]
    forms = group.get("forms") or [group]
    for number, line in enumerate(lines):
        label, _, reply = line.partition(" = ")
        for shift in range(group.get("times", 1)):
            form = forms[(number + shift) % len(forms)] | {"number": number + shift}
            yield Sample(name, reply, tuple(label.split()), message(form, reply.replace(" | ", "\n")), sender)
    for whole in group.get("whole", []):
        label, text = whole.lstrip("\n").split("\n", 1)
        yield Sample(name, "", tuple(label.split()), text.replace("\n", "\r\n").encode(), sender)


def message(form: dict[str, Any], reply: str) -> bytes:
    """Return a report of a form about a reply."""
    status = _status(form, reply)
    fill = {"reply": reply, "recipient": RECIPIENT, "domain": "example.org", "host": "mx.example.org", "status": status}
    text = _filled(form["text"], fill)
    subject = _filled(form.get("subject", ""), fill | {"subject": reply}).replace("\n", " ")
    head = [
        f"Received: from mx.example.org ([192.0.2.25]) by in.example.com; Tue, 22 Nov 2016 00:00:00 +0000 id {form.get('number')}",
        f"From: {_filled(form['from'], fill)}",
        "To: bounces+abcdefghijklmnopqrstuvwx@bounces.example.com",
        f"Subject: {subject if subject.isascii() else Header(subject, 'utf-8', maxlinelen=900).encode()}",
        "Date: Tue, 22 Nov 2016 00:00:10 +0000",
        "MIME-Version: 1.0",
        *form.get("extra", "").splitlines(),
    ]
    if form.get("html"):
        text = f"<html><head><style>p {{ color: #550 }}</style></head><body><p>{text.strip().replace(chr(10), '<br>')}</p></body></html>"
    people = _part(
        f"text/{'html' if form.get('html') else 'plain'}", text, form.get("encoding", ""), form.get("charset", "utf-8")
    )
    if not form.get("dsn", True):
        return ("\r\n".join(head) + "\r\n").encode() + people
    return ("\r\n".join(head) + "\r\n").encode() + _report(form, people, _status_text(form, reply, status))


def _report(form: dict[str, Any], people: bytes, told: str) -> bytes:
    kind = form.get("status_type", "message/delivery-status")
    bare = kind.partition(";")[0]
    machine = _part(bare, told, form.get("status_encoding", ""), "utf-8" if "charset" in kind else "")
    returned = b"Content-Type: message/rfc822\r\n\r\n" + _RETURNED.encode()
    boundary = f"{form.get('number')}/mx.example.org=_1"
    body = b"".join(f"--{boundary}\r\n".encode() + part + b"\r\n" for part in (people, machine, returned))
    if not form.get("cut"):
        body += f"--{boundary}--\r\n".encode()
    top = f'Content-Type: {form.get("top", "multipart/report; report-type=delivery-status")};\r\n\tboundary="{boundary}"\r\n\r\n'
    inner = top.encode() + b"This is a MIME-encapsulated message.\r\n\r\n" + body
    if not form.get("nested"):
        return inner
    return b"Content-Type: multipart/mixed; boundary=outer\r\n\r\n--outer\r\n" + inner + b"\r\n--outer--\r\n"


def _status_text(form: dict[str, Any], reply: str, status: str) -> str:
    action = form.get("action", "failed")
    lines = [
        "Reporting-MTA: dns; mx.example.org",
        "Arrival-Date: Tue, 22 Nov 2016 00:00:00 +0000",
        "",
        f"Final-Recipient: rfc822; {RECIPIENT}",
    ]
    if form.get("orcpt"):
        lines.insert(3, "Original-Recipient: rfc822;jo@example.org")
    lines += [f"Action: {action}", f"Status: {status}{form.get('status_comment', '')}"]
    if "diagnostic" in form:
        words = form["diagnostic"].replace("{reply}", reply).replace("\n", "\r\n    ")
        lines += ["Remote-MTA: dns; mx2.example.org", f"Diagnostic-Code: {words}"]
    return "\r\n".join(lines) + ("" if form.get("cut") else "\r\n")


def _status(form: dict[str, Any], reply: str) -> str:
    if "status" in form:
        return str(form["status"])
    found = _CODE.match(reply)
    return found[1] if found else f"{reply[0] if reply[:1] in '245' else 5}.0.0"


def _part(kind: str, text: str, encoding: str, charset: str) -> bytes:
    data = text.strip("\n").replace("\r\n", "\n").replace("\n", "\r\n").encode(charset or "utf-8", "replace") + b"\r\n"
    head = f"Content-Type: {kind}" + (f"; charset={charset}" if charset else "")
    match encoding:
        case "base64":
            data = base64.encodebytes(data).replace(b"\n", b"\r\n")
        case "quoted-printable":
            data = quopri.encodestring(data)
        case _:
            return f"{head}\r\n\r\n".encode() + data
    return f"{head}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n".encode() + data


def _filled(template: str, values: dict[str, str]) -> str:
    for name, value in values.items():
        template = template.replace(f"{{{name}}}", value)
    return template
