"""Mail as other servers send it back, and the addresses it goes to."""

from datetime import datetime

from app.kit.secrets import derive
from app.mail import tracking, verp
from app.settings import Settings


def token_of(settings: Settings, message_id: int, accepted_at: datetime) -> str:
    key = derive(settings.secret_keys[0], "verp")
    return verp.encode(key, accepted_at=int(accepted_at.timestamp()), message_id=message_id)


def return_path(settings: Settings, message_id: int, accepted_at: datetime, recipient: str = "jo@example.org") -> str:
    return verp.return_path(token_of(settings, message_id, accepted_at), recipient, settings.bounce_domain)


def unsubscribe_address(settings: Settings, message_id: int, accepted_at: datetime) -> str:
    tokens = tracking.Tokens(
        derive(settings.secret_keys[0], "tracking"), accepted_at=int(accepted_at.timestamp()), message_id=message_id
    )
    return f"unsubscribe+{tokens.of(tracking.Purpose.UNSUBSCRIBE).decode()}@{settings.bounce_domain}"


def dsn(
    to: str,
    recipient: str = "jo@example.org",
    *,
    action: str = "failed",
    status: str = "5.1.1",
    said: str = "550 5.1.1 <jo@example.org>: Recipient address rejected: User unknown in virtual mailbox table",
    returned: str = "",
) -> bytes:
    """A report of the shape Postfix gives it."""
    text = f"""\
Date: Sun, 22 Nov 2026 10:00:00 +0000 (UTC)
From: MAILER-DAEMON@mx.example.org (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
To: {to}
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
\tboundary="6B2F41A0C1.1795341600/mx.example.org"
Message-Id: <20261122100000.A1B2C3D4E5@mx.example.org>

This is a MIME-encapsulated message.

--6B2F41A0C1.1795341600/mx.example.org
Content-Description: Notification
Content-Type: text/plain; charset=us-ascii

This is the mail system at host mx.example.org.

I'm sorry to have to inform you that your message could not
be delivered to one or more recipients. It's attached below.

<{recipient}>: host mail.example.org[192.0.2.25] said: {said} (in reply to RCPT TO command)

--6B2F41A0C1.1795341600/mx.example.org
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.org
X-Postfix-Queue-ID: 6B2F41A0C1
X-Postfix-Sender: rfc822; {to}
Arrival-Date: Sun, 22 Nov 2026 09:59:58 +0000 (UTC)

Final-Recipient: rfc822; {recipient}
Original-Recipient: rfc822;{recipient}
Action: {action}
Status: {status}
Remote-MTA: dns; mail.example.org
Diagnostic-Code: smtp; {said}

--6B2F41A0C1.1795341600/mx.example.org
Content-Description: Undelivered Message
Content-Type: message/rfc822

{returned or "Subject: Hello"}

Good day.

--6B2F41A0C1.1795341600/mx.example.org--
"""
    return text.replace("\n", "\r\n").encode()


def arf(token: str, *, kind: str = "abuse") -> bytes:
    """A feedback report on the mail whose X-Trireme-Message is `token`."""
    text = f"""\
From: <abusedesk@provider.example>
Date: Sun, 22 Nov 2026 10:00:00 +0000
Subject: FW: Hello
To: <fbl@bounces.example.com>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report;
     boundary="part1_13d.2e68ed54_boundary"

--part1_13d.2e68ed54_boundary
Content-Type: text/plain; charset="US-ASCII"
Content-Transfer-Encoding: 7bit

This is an email abuse report for an email message received from IP
192.0.2.1 on Sun, 22 Nov 2026 09:00:00 +0000.

--part1_13d.2e68ed54_boundary
Content-Type: message/feedback-report

Feedback-Type: {kind}
User-Agent: SomeGenerator/1.0
Version: 1
Original-Mail-From: <news@example.com>
Source-IP: 192.0.2.1

--part1_13d.2e68ed54_boundary
Content-Type: message/rfc822
Content-Disposition: inline

From: <news@example.com>
To: <jo@example.org>
Subject: Hello
X-Trireme-Message: {token}
Message-ID: <8787KJKJ3K4J3K4J3K4J3.mail@example.com>

Good day.

--part1_13d.2e68ed54_boundary--
"""
    return text.replace("\n", "\r\n").encode()


VACATION = (
    b"From: Jo <jo@example.org>\r\nSubject: Out of office\r\nAuto-Submitted: auto-replied\r\n\r\n"
    b"I am away until Monday. User unknown is what I am.\r\n"
)
PERSONAL = b"From: Jo <jo@example.org>\r\nSubject: Please stop\r\n\r\nPlease take me off.\r\n"
