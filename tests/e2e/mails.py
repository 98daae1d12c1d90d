"""Mails as the sandbox inbox got them by SMTP, and the links in them."""

import email
import email.policy
import re
from email.message import EmailMessage
from typing import Any

from tests.e2e.platform import Platform, wait_for

HTML = (
    '<html><body><p>{{ not_personalised }}</p><a href="https://example.com/sale?a=1&amp;b=2">Sale</a>'
    '<a href="https://example.com/news">News</a><a href="mailto:jo@example.com">Write</a></body></html>'
)


def native(running: Platform, path: str, **query: Any) -> Any:
    """The answer of the native API to the account's GET."""
    headers = {"Authorization": f"Bearer {running.api_key}"}
    return running.client.get(f"/api/trireme/v1{path}", params=query, headers=headers)


def received(running: Platform, recipient: str, **query: str) -> EmailMessage:
    """The one mail for a recipient, or of several that which the inbox finds for these filters."""
    query = {"to": recipient} | query
    found = wait_for(lambda: native(running, "/sandbox/messages", **query).json()["data"], f"mail for {recipient}")
    assert len(found) == 1
    raw = native(running, f"/sandbox/messages/{found[0]['id']}/raw")
    message = email.message_from_bytes(raw.content, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def html_of(message: EmailMessage) -> str:
    part = message.get_body(("html",))
    assert part is not None
    content = part.get_content()
    assert isinstance(content, str)
    return content


def links(html: str) -> list[str]:
    return [link.replace("&amp;", "&") for link in re.findall(r'href="([^"]+)"', html)]


def pixel(html: str) -> str:
    (found,) = re.findall(r'<img src="([^"]+/t/o/[^"]+)"', html)
    return str(found)


def unsubscribe_link(message: EmailMessage) -> str:
    """The link of one click."""
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    found = re.search(r"<(https?://[^>]+)>", message["List-Unsubscribe"].replace("\n", ""))
    assert found is not None
    return found[1]
