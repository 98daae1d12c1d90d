"""What recipients do with a mail, from the mail's own links to what the customer is told.

Real processes: the mails are those of the sandbox inbox, the links are followed as they stand in them, the postbacks
arrive at an HTTP server.
"""

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.e2e.catcher import Catcher, catching
from tests.e2e.mails import HTML, html_of, links, pixel, received, unsubscribe_link
from tests.e2e.platform import Platform, trireme, wait_for

pytestmark = [pytest.mark.serial, pytest.mark.timeout(240)]

BOUNCE_URL = "/b?e=@email&r=@bouncerule&t=@bouncetype&c=@bouncecode&x=@X-A-B&y=@X-A&z=@nothing"


class Customer:
    """An account of a running product, and its HTTP server for postbacks."""

    def __init__(self, running: Platform, catcher: Catcher) -> None:
        self.running = running
        self.catcher = catcher
        self.key = running.api_key

    def rest(self, method: str, path: str, **fields: Any) -> Any:
        given = {"apikey": self.key} | fields
        kwargs: dict[str, Any] = {"params": given} if method == "GET" else {"data": given}
        answer = self.running.client.request(method, f"/rest/json{path}", **kwargs)
        assert answer.status_code == 200, answer.text
        return answer.json()["response"]["data"]

    def metrics(self, path: str, **query: Any) -> Any:
        now = int(time.time())
        query = {"start_time": now - 3600, "end_time": now + 3600} | query
        answer = self.running.client.get(path, params=query, headers={"Authorization": f"apikey={self.key}"})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def send(self, recipient: str, **fields: str) -> None:
        assert self.running.send(recipient, **fields).json()["response"]["data"] == "250 2.1.0 Ok"

    def suppression(self, address: str) -> str | None:
        listed = self.rest("GET", "/suppressions")["suppressions"]
        return next((one["reasontype"] for one in listed if one["emailaddress"] == address), None)

    def blocked(self, address: str) -> list[str]:
        rows = self.metrics("/blocked-emails", recipient=address)["data"]
        return [row["blocked_reason"] for row in rows]

    def bounced(self, address: str, count: int) -> None:
        """Wait until an address has bounced so many times."""
        wait_for(lambda: len(self.metrics("/bounces", recipient=address)) == count, "the bounce", 20)

    def postback(self, part: str) -> str:
        """The postback whose URL holds this text."""
        found: str = wait_for(
            lambda: next((path for path in self.catcher.paths if part in path), None), f"the postback {part}", 20
        )
        return found


@pytest.fixture(scope="module")
def customer(running: Platform) -> Iterator[Customer]:
    with catching() as catcher:
        customer = Customer(running.with_account("way-back@customers.example"), catcher)
        customer.rest("POST", "/accounts/xheaders", xheader1="X-A", xheader2="X-A-B")
        customer.rest(
            "POST",
            "/accounts",
            username=customer.running.username,
            trackopens="1",
            tracklinks="1",
            trackunsubscribes="1",
            bounce_url=catcher.url + BOUNCE_URL,
            spam_url=f"{catcher.url}/s?e=@email&x=@X-A",
            unsub_url=f"{catcher.url}/u?e=@email&x=@X-A",
        )
        yield customer


def test_opens_and_clicks_of_a_single_mail(customer: Customer) -> None:
    customer.send("reader@example.com", bodyhtml=HTML, **{"X-A": "spring"})
    html = html_of(received(customer.running, "reader@example.com"))
    assert "{{ not_personalised }}" in html
    client = customer.running.client
    first, second, third = links(html)
    assert third == "mailto:jo@example.com"
    for _ in range(2):
        answer = client.get(pixel(html))
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/gif")
        assert "no-store" in answer.headers["cache-control"]
    client.head(pixel(html))
    client.head(first)
    for link, target in ((first, "https://example.com/sale?a=1&b=2"), (first, None), (second, None)):
        answer = client.get(link)
        assert answer.status_code == 302
        assert target is None or answer.headers["location"] == target
    altered = pixel(html)[:-5] + ("a" if pixel(html)[-5] != "a" else "b") + ".gif"
    assert client.get(altered).status_code == 200
    assert client.get(first[:-1] + ("a" if first[-1] != "a" else "b")).status_code == 404

    assert customer.rest("GET", "/reports/opens/count", recipient="reader@example.com") == {"count": "2"}
    assert customer.rest("GET", "/reports/opens/count/unique", recipient="reader@example.com") == {"count": "1"}
    assert customer.rest("GET", "/reports/clicks/count", recipient="reader@example.com") == {"count": "3"}
    (sale, news) = customer.rest("GET", "/reports/clicks/unique", recipient="reader@example.com")["clicks"]
    assert (sale["clicklink"], sale["count"]) == ("https://example.com/sale?a=1&b=2", "2")
    assert (news["clicklink"], news["count"]) == ("https://example.com/news", "1")
    assert news["xheaders"] == {"X-A": "spring"}


@pytest.mark.parametrize("by", ["one-click", "page"])
def test_unsubscribing_from_a_single_mail(customer: Customer, by: str) -> None:
    address = f"{by}@example.com"
    customer.send(address, bodyhtml=HTML, **{"X-A": "leaving"})
    link = unsubscribe_link(received(customer.running, address))
    client = customer.running.client
    page = client.get(link)
    assert page.status_code == 200
    assert "<form" in page.text
    assert customer.suppression(address) is None  # looking is not unsubscribing: link scanners look
    body = (
        {"List-Unsubscribe": "One-Click"}
        if by == "one-click"
        else dict(re.findall(r'name="(\w+)" value="(\w*)"', page.text))
    )
    assert client.post(link, data=body).status_code == 200
    assert client.post(link, data=body).status_code == 200  # twice changes nothing
    assert customer.suppression(address) == "unsubscribe"
    assert parse_qs(urlsplit(customer.postback(f"/u?e={by}%40")).query) == {"e": [address], "x": ["leaving"]}
    customer.send(address)
    assert customer.blocked(address) == ["unsubscribe"]
    assert len([path for path in customer.catcher.paths if path.startswith(f"/u?e={by}%40")]) == 1


def test_a_hard_bounce_of_the_simulator(customer: Customer) -> None:
    """docs/contract/vectors.yaml, dyn-email-23."""
    address = "hardbounce+v23@simulator.test"
    customer.catcher.on_request = lambda path: (
        path.startswith("/b?e=hardbounce") and customer.rest("GET", "/reports/bounces", recipient=address)["bounces"]
    )
    customer.send(address, **{"X-A": "one", "X-A-B": "two words"})
    path = customer.postback("/b?e=hardbounce%2Bv23")
    expected = "/b?e=hardbounce%2Bv23%40simulator.test&r=emaildoesntexist&t=hard&c=5.1.1&x=two%20words&y=one&z=@nothing"
    assert path == expected
    listed = customer.catcher.seen[customer.catcher.paths.index(path)]
    customer.catcher.on_request = lambda _: None
    assert isinstance(listed, list)
    assert [one["bouncerule"] for one in listed] == ["emaildoesntexist"]  # readable before the postback left
    assert customer.suppression(address) == "hardbounce"
    (status,) = customer.rest("GET", "/recipients/status", emailaddress=address)["recipients"]
    assert (status["status"], status["suppressionstatus"]) == ("inactive", "suppressed")
    (bounce,) = customer.metrics("/bounces", recipient=address)
    assert bounce["xheaders"] == {"X-A": "one", "X-A-B": "two words"}
    told = wait_for(lambda: customer.metrics("/bounces", recipient=address)[0]["postback_time"], "postback_time", 10)
    assert told >= bounce["bounce_time"]
    path = "/bounce/{user_id}/{sender_id}/{bounce_time}/{email_id}".format(**bounce)
    detail = customer.metrics(path)["data"]
    assert (detail["regex_name"], detail["diagnostic_code"]) == ("badmailbox03", "smtp;550 5.1.1 User unknown")
    customer.send(address)
    assert customer.blocked(address) == ["hardbounce"]
    assert customer.postback("t=previouslyhardbounced")
    customer.rest("POST", "/suppressions/activate", emailaddress=address)
    (status,) = customer.rest("GET", "/recipients/status", emailaddress=address)["recipients"]
    assert (status["status"], status["suppressionstatus"]) == ("inactive", "unsuppressed")
    customer.rest("POST", "/recipients/activate", emailaddress=address)
    (status,) = customer.rest("GET", "/recipients/status", emailaddress=address)["recipients"]
    assert status["status"] == "active"


def test_three_soft_bounces_suppress(customer: Customer) -> None:
    address = "softbounce+three@simulator.test"
    for count in range(1, 4):
        assert customer.suppression(address) is None
        customer.send(address)
        customer.bounced(address, count)
    assert customer.suppression(address) == "softbounce"
    assert {one["bounce_category"] for one in customer.metrics("/bounces", recipient=address)} == {"quota-issues"}
    (row,) = customer.metrics("/bounce/counts")["data"]
    assert row["soft_bounce_count"] == 3
    customer.send(address)
    assert customer.blocked(address) == ["softbounce"]


@pytest.mark.parametrize(("what", "letter"), [("complaint", "s"), ("unsubscribe", "u")])
def test_a_complaint_and_an_unsubscription_of_the_simulator(customer: Customer, what: str, letter: str) -> None:
    address = f"{what}+sim@simulator.test"
    customer.send(address, **{"X-A": "v"})
    assert (
        customer.postback(f"/{letter}?e={what}%2Bsim%40simulator.test")
        == f"/{letter}?e={what}%2Bsim%40simulator.test&x=v"
    )
    assert customer.suppression(address) == what
    if what == "complaint":
        (one,) = customer.rest("GET", "/reports/complaints", recipient=address)["complaints"]
        assert one["emailaddress"] == address
    customer.send(address)
    assert customer.blocked(address) == [what]


def test_a_campaign_from_its_mails_own_links(customer: Customer) -> None:
    running, client = customer.running, customer.running.client
    at = ("--data-dir", running.data_dir)
    seeded = trireme("seed", "--contacts", 3, "--campaign", "--account", running.username, *at)
    found = re.search(r"campaign=(\w+)", seeded)
    assert found is not None, seeded
    trireme("campaign", "start", found[1], *at)
    key = {"Authorization": f"Bearer {customer.key}"}

    def sandbox() -> list[dict[str, Any]]:
        listed: list[dict[str, Any]] = client.get("/api/trireme/v1/sandbox/messages", headers=key).json()["data"]
        return [one for one in listed if one["envelope"]["recipients"][0].startswith("person")]

    mails = wait_for(lambda: len(found := sandbox()) == 3 and found, "the campaign's mails")
    addresses = [mail["envelope"]["recipients"][0] for mail in mails]
    messages = [received(running, address) for address in addresses]
    html = html_of(messages[0])
    client.get(pixel(html))
    tracked = [link for link in links(html) if "/t/c/" in link]
    assert client.get(tracked[0]).status_code == 302
    view = next(link for link in links(html) if "/w/" in link)
    page = client.get(view)
    assert page.status_code == 200
    assert "/t/o/" not in page.text
    assert client.post(unsubscribe_link(messages[1]), data={"List-Unsubscribe": "One-Click"}).status_code == 200
    assert customer.suppression(addresses[1]) is None  # one audience is not everything
    status = trireme("campaign", "status", found[1], *at)
    assert "done" in status
    assert trireme("audit", *at).rstrip().endswith("differences=0")


def test_the_log_tells_of_nothing_wrong(customer: Customer) -> None:
    text = Path(customer.running.log).read_text(encoding="utf-8")
    assert "Traceback" not in text
    levels = set(re.findall(r'"level":"(\w+)"', text))
    assert levels <= {"info", "debug"}, [line for line in text.splitlines() if '"level":"warning"' in line]
