"""A customer of Dynosend at work, from an empty account to the account of one address: every step over HTTP and SMTP.

Real processes, one step after the other; what Dynosend's customers did in its dashboard is done by the native API. The
mails are those the sandbox inbox got by SMTP, their links are followed as they stand in them.
"""

import json
import re
from typing import Any

import pytest

from tests.e2e.customer import SUBJECT, Customer
from tests.e2e.mails import html_of, links, native, pixel, received, unsubscribe_link
from tests.e2e.platform import Platform, rows, trireme, wait_for

pytestmark = [pytest.mark.serial, pytest.mark.timeout(300)]

CONTACTS = 10_000
IN_HUE = 2_500
"""One in four of the imported ones; the contact that confirms comes on top."""
BOUNCING, COMPLAINING = 4, 2
OPENERS, CLICKERS = 30, 20
NEW = "newcomer@readers.example"
LEAVER = "reader00000@readers.example"
LISTED = "reader00004@readers.example"
SENDER = "hello@localhost.test"
HTML = (
    "<html><body><p>For {CITY}</p>"
    '<a href="https://example.com/tides?city={CITY}">Tides</a><a href="https://example.com/boats">Boats</a>'
    '<a href="{UNSUBSCRIBE_URL}">Leave</a></body></html>'
)


@pytest.fixture(scope="module")
def customer(running: Platform) -> Customer:
    return Customer(running.with_account("harbour@customers.example"))


def test_an_audience_and_its_field(customer: Customer) -> None:
    settings = {"double_opt_in": True, "send_welcome": True}
    given = {"name": "Readers", "from_email": SENDER, "from_name": "Harbour", "settings": settings}
    customer.audience = customer.native("POST", "/audiences", 201, json=given)["uid"]
    tag = {"tag": "city", "label": "City", "type": "text"}
    assert customer.native("POST", f"/audiences/{customer.audience}/fields", 201, json=tag)["tag"] == "CITY"
    shown = customer.dynosend("GET", "/audiences", audience_uid=customer.audience)
    assert [one["tag"] for one in shown["audience"]["fields"]] == ["EMAIL", "CITY"]


def test_ten_thousand_contacts_from_a_file(customer: Customer) -> None:
    addresses = [f"reader{number:05}@readers.example" for number in range(CONTACTS)]
    # Some of those in Hue are with the simulator: their mail comes back, or is complained about.
    special = ["hardbounce"] * BOUNCING + ["complaint"] * COMPLAINING
    for place, kind in enumerate(special):
        addresses[400 + 4 * place] = f"{kind}+{place}@simulator.test"
    lines = [f"{address},{'Lima' if number % 4 else 'Hue'}" for number, address in enumerate(addresses)]
    customer.readers = [address for address in addresses[::4] if address.startswith("reader")]
    content = "\n".join(["EMAIL,City", *lines, "nobody,Hue", ""]).encode()
    job = customer.native(
        "POST",
        f"/audiences/{customer.audience}/imports",
        202,
        files={"file": ("readers.csv", content, "text/csv")},
        data={"options": json.dumps({"tags": ["imported"]})},
    )

    def ended() -> Any:
        now = customer.native("GET", f"/jobs/{job['id']}")
        return now if now["finished_at"] else None

    done = wait_for(ended, "the end of the import")
    assert done["status"] == "done"
    assert done["progress"] | {"total": 0} == {
        "total": 0, "processed": CONTACTS + 1, "created": CONTACTS, "updated": 0, "skipped": 0, "failed": 1,
    }  # fmt: skip
    found = customer.dynosend("GET", "/audiences", audience_uid=customer.audience)["statistics"]
    assert (found["contact_count"], found["subscribe_count"]) == (CONTACTS, CONTACTS)
    assert customer.contact(LEAVER)["CITY"] == "Hue"


def test_one_confirms_by_the_link_in_its_mail(customer: Customer) -> None:
    customer.dynosend("POST", "/contacts", audience_uid=customer.audience, EMAIL=NEW, CITY="Hue")
    assert customer.contact(NEW)["status"] == "unconfirmed"
    mail = received(customer.running, NEW, subject="confirm")
    (link,) = {one for one in links(html_of(mail)) if "/c/" in one}
    assert customer.running.client.get(link).status_code == 200
    assert customer.contact(NEW)["status"] == "subscribed"
    assert received(customer.running, NEW, subject="Welcome")["From"].addresses[0].addr_spec == SENDER
    assert native(customer.running, "/sandbox/messages", count="true").json()["total"] == 2, "files welcome nobody"


def test_a_segment_and_a_campaign_for_it(customer: Customer) -> None:
    conditions = [{"type": "field", "field": "CITY", "op": "equals", "value": "hue"}]
    given: dict[str, Any] = {"name": "In Hue", "conditions": conditions}
    made = customer.native("POST", f"/audiences/{customer.audience}/segments", 201, json=given)
    assert made["count"] == IN_HUE + 1
    given = {"name": "Tides", "audience_ids": [customer.audience], "segment_id": made["id"], "subject": SUBJECT}
    made = customer.native("POST", "/campaigns", 201, json=given | {"from_email": SENDER, "html": HTML})
    assert (made["status"], made["missing"]) == ("draft", [])
    customer.campaign = made["uid"]
    shown = customer.dynosend("GET", "/campaigns", campaign_uid=customer.campaign)
    assert (shown["campaign"]["status"], shown["insights"]["recipients"]) == ("ready", IN_HUE + 1)


def test_nothing_leaves_between_pause_and_resume(customer: Customer) -> None:
    customer.dynosend("POST", "/campaigns/start", campaign_uid=customer.campaign)
    wait_for(lambda: customer.arrived() >= 50, "a part of the campaign")
    customer.dynosend("POST", "/campaigns/pause", campaign_uid=customer.campaign)
    assert customer.status() == "paused"

    def settled() -> bool:
        return not rows(customer.running, "SELECT FROM delivery_leases WHERE run_id IS NOT NULL")

    wait_for(settled, "the end of what was in the middle of a transaction", 20)
    before = customer.arrived()
    assert 50 <= before < IN_HUE
    customer.running.send("after-the-pause@readers.example")
    received(customer.running, "after-the-pause@readers.example")
    assert customer.arrived() == before
    customer.dynosend("POST", "/campaigns/resume", campaign_uid=customer.campaign)
    wait_for(lambda: customer.status() == "done", "the end of the campaign", 120)
    assert customer.arrived() == IN_HUE + 1 - BOUNCING - COMPLAINING


def test_opens_and_clicks_of_the_mails_own_links(customer: Customer) -> None:
    client = customer.running.client
    for number, address in enumerate(customer.readers[:OPENERS]):
        html = html_of(received(customer.running, address, subject=SUBJECT))
        assert "<p>For Hue</p>" in html
        client.get(pixel(html))
        if number >= CLICKERS:
            client.get(pixel(html))
            continue
        tides, boats = (link for link in links(html) if "/t/c/" in link)
        answer = client.get(tides)
        assert (answer.status_code, answer.headers["location"]) == (302, "https://example.com/tides?city=Hue")
        if number == 0:
            assert client.get(boats).headers["location"] == "https://example.com/boats"
    wait_for(lambda: customer.ledger()["spam_report_count"] == COMPLAINING, "the complaints", 30)


def test_insights_are_the_ledger(customer: Customer) -> None:
    assert customer.insights_are_the_ledger() == {
        "recipients": IN_HUE + 1,
        "delivered": IN_HUE + 1 - BOUNCING,
        "bounce_count": BOUNCING,
        "open_count": 2 * OPENERS - CLICKERS,
        "unique_open_count": OPENERS,
        "click_count": CLICKERS + 1,
        "unique_click_count": CLICKERS,
        "spam_report_count": COMPLAINING,
        "unsubscribed_count": 0,
    }
    clicked = customer.native("GET", f"/campaigns/{customer.campaign}/links")["data"]
    assert sum(one["clicks"] for one in clicked) == CLICKERS + 1
    listed = customer.native("GET", f"/campaigns/{customer.campaign}/recipients?clicked=true&limit=200")["data"]
    assert sorted(one["email"] for one in listed) == customer.readers[:CLICKERS]
    assert customer.contact("hardbounce+0@simulator.test")["status"] == "blacklisted"
    assert customer.contact(f"complaint+{BOUNCING}@simulator.test")["status"] == "spam-reported"


def test_one_leaves_by_one_click(customer: Customer) -> None:
    link = unsubscribe_link(received(customer.running, LEAVER, subject=SUBJECT))
    for _ in range(2):
        answer = customer.running.client.post(link, data={"List-Unsubscribe": "One-Click"})
        assert answer.status_code == 200
    assert customer.contact(LEAVER)["status"] == "unsubscribed"
    assert customer.dynosend("POST", "/blacklist", email=LEAVER)["blacklisted"] is False
    assert customer.insights_are_the_ledger()["unsubscribed_count"] == 1


def test_one_is_put_on_the_blacklist(customer: Customer) -> None:
    customer.dynosend("POST", "/blacklist/add", 204, email=LISTED.upper())
    found = customer.dynosend("POST", "/blacklist", email=LISTED)
    assert (found["blacklisted"], found["reason"]) == (True, "manual")
    assert customer.contact(LISTED)["status"] == "blacklisted"


def test_a_transactional_mail_with_tags_of_its_own(customer: Customer) -> None:
    given = {"name": "Receipt", "audience_id": customer.audience, "from_email": SENDER, "subject": "Receipt {ORDER}"}
    html = '<p>{{ GREETING }} from {CITY}</p><a href="https://example.com/r/{ORDER}">Receipt</a>'
    made = customer.native("POST", "/transactional-messages", 201, json=given | {"html": html})
    call: dict[str, Any] = {
        "transactional_uid": made["uid"],
        "customTags": [{"Name": "ORDER", "Value": "4711"}, {"Name": "GREETING", "Value": "Tom & Jo"}],
        "customHeaders": [{"Name": "X-Order", "Value": "4711"}, {"Name": "Reply-To", "Value": "x@example.com"}],
    }
    sent = customer.dynosend("POST", "/transactional", recipient=LEAVER, **call)
    assert sent["message"] == "Your message has been sent"
    mail = received(customer.running, LEAVER, subject="Receipt")
    assert (mail["Subject"], mail["X-Order"]) == ("Receipt 4711", "4711")
    assert mail["Reply-To"] is None, "a forbidden header is dropped"
    assert mail["X-Dynosend-Contact-Id"] == customer.contact(LEAVER)["contact_uid"]
    assert "<p>Tom &amp; Jo from Hue</p>" in html_of(mail)
    (link,) = (one for one in links(html_of(mail)) if "/t/c/" in one)
    assert customer.running.client.get(link).headers["location"] == "https://example.com/r/4711"
    refused = customer.dynosend("POST", "/transactional", 400, recipient=LISTED, **call)
    assert refused["message"] == "The email address is blacklisted"


def test_what_happened_to_one_address_is_told(customer: Customer) -> None:
    of = {"recipient": LEAVER}

    def told() -> Any:
        found = customer.native("GET", "/messages", params=of)["data"]
        return found if {one["status"] for one in found} == {"delivered"} else None

    campaign, receipt = wait_for(told, "the outcome", 20)
    assert [(one["kind"], one["opens"], one["clicks"]) for one in (campaign, receipt)] == [
        ("campaign", 1, 2), ("transactional", 0, 1),
    ]  # fmt: skip
    detail = customer.native("GET", f"/messages/{receipt['email_id']}")
    assert [one["code"] for one in detail["attempts"]] == [250]
    assert {one["type"] for one in detail["events"]} == {"email.accepted", "email.delivered", "email.clicked"}
    happened = customer.native("GET", "/events", params=of | {"limit": 200})["data"]
    assert {one["type"] for one in happened} == {
        "email.accepted", "email.delivered", "email.opened", "email.clicked", "email.unsubscribed",
        "contact.unsubscribed",
    }  # fmt: skip
    assert {one["email_id"] for one in happened if one["type"] == "email.unsubscribed"} == {campaign["email_id"]}
    why = customer.native("GET", "/why", params=of)
    assert [(one["kind"], one["campaign_name"]) for one in why["messages"]] == [
        ("transactional", None), ("campaign", "Tides"),
    ]  # fmt: skip
    assert all(one["reason"].startswith("delivered") for one in why["messages"])
    assert (why["suppression"], [one["status"] for one in why["contacts"]]) == (None, ["unsubscribed"])
    listed = customer.native("GET", "/why", params={"recipient": LISTED})
    assert (listed["suppression"]["reason"], listed["contacts"][0]["status"]) == ("manual", "blacklisted")


def test_the_books_agree_and_the_log_tells_of_nothing_wrong(customer: Customer) -> None:
    audit = trireme("audit", "--data-dir", customer.running.data_dir)
    assert audit.rstrip().endswith("differences=0"), audit
    text = customer.running.log.read_text(encoding="utf-8")
    assert "Traceback" not in text
    assert set(re.findall(r'"level":"(\w+)"', text)) <= {"info", "debug"}
