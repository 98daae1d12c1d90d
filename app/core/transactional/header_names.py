"""Which header lines a caller may add to a message. Pure; imports `app.mail.headers`.

Source: docs/contract/dynosend.md, 10.
"""

from collections.abc import Iterable

from app.mail.headers import clean, is_header_name

FORBIDDEN = frozenset(
    name.lower()
    for name in (
        *("Message-ID", "Date", "From", "Sender", "Subject", "To", "Reply-To", "Cc", "Bcc", "MIME-Version"),
        *("Content-ID", "Content-Base", "Content-Alias", "Content-Identifier", "Content-Length", "Content-Type"),
        *("Content-Disposition", "Content-Transfer-Encoding", "Lines", "Encoding", "Mail-System-Version"),
        *("Originating-Client", "Mailer", "X-Mailer", "X-Report-Abuse-To", "Received", "Return-Path"),
        *("Authentication-Results", "Received-SPF", "Auto-Submitted", "VBR-Info", "DKIM-Signature", "X-SMTPAPI"),
    )
)
"""In lower case."""
FORBIDDEN_PREFIXES = ("arc-", "list-unsubscribe", "x-dynosend-", "x-trireme-", "x-mailgun-")


def is_allowed(name: str, value: str) -> bool:
    """Tell whether a caller may set this line: not one of ours, a valid name, a value without CR and LF."""
    key = name.lower()
    return (
        is_header_name(name)
        and key not in FORBIDDEN
        and not key.startswith(FORBIDDEN_PREFIXES)
        and "\r" not in value
        and "\n" not in value
        and clean(value) != ""
    )


def allowed(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the lines a caller may set, in order, cleaned; the others are dropped."""
    return [(name, clean(value)) for name, value in headers if is_allowed(name, value)]
