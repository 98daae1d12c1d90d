"""The sample answers of the documents the families come from, and the requests that they answer.

What does not vary from account to account is compared byte for byte (`literal`). In the others, repeated items are cut
to one or two, names are those of example domains, and what docs/contract/departures.md lists is left out.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

SPAN = {"start_time": "1479600000", "end_time": "1479945600"}
BOUNCE_PATH = "/bounce/${sub_a.user_id}/${sender.a1}/1479772803/${e1.email_id}"
X_HEADERS = '{"X-CampaignMaster11":"Notification","X-DistrictMaster11":"New Hampshire"}'


@dataclass(frozen=True, slots=True)
class Sample:
    """A request, and an answer as a document shows it."""

    document: str
    method: str
    path: str
    text: str
    given: Mapping[str, str] = field(default_factory=dict)
    account: str = "master"
    literal: bool = False


_KEY = "x" * 32
_CREATE = {"username": "example@example.com", "password": "t3q5b5f3j6o4t3l4d3", "accountname": "MyCustomerAccount"}
_MAIL = {"to": "customer1@domain.example", "subject": "New Sale Coming Friday", "bodytext": "You will love this sale."}

_AT = '"created_at":"2021-12-04T07:29:24.000000Z","updated_at":"2021-12-04T07:29:24.000000Z"'
_AUDIENCE = (
    '"id":16,"uid":"5fade5c93e42a","name":"SaaS customers","default_subject":"An Awesome Subject",'
    f'"from_email":"support@abccorp.com","from_name":"Company",{_AT}'
)
_PERSON = (
    '"email":"jake@gmail.com","status":"subscribed","source":"api","ip_address":"171.22.152.19",'
    f'"tags":"subscribed,newcustomer",{_AT}'
)
_CAMPAIGN = (
    '"uid":"66008ks0512la","name":"Monthly update","type":"regular","subject":"This month\'s product update",'
    '"from_email":"team@acme.com","from_name":"Acme","reply_to":"team@acme.com","status":"done",'
    '"delivered_at":"2024-04-17T22:05:11.000000Z","created_at":"2024-04-17T21:12:16.000000Z",'
    '"updated_at":"2024-04-17T20:07:45.000000Z"'
)
_IN = {"audience_uid": "${audience.uid}"}
_NAMED = {**_IN, "email": "sample@example.org"}


def _done(message: str) -> str:
    return f'{{"status":"success","message":"{message}"}}'


DYNOSEND_SAMPLES = [
    Sample("001", "GET", "/api/v2/audiences", f"[{{{_AUDIENCE}}}]", {}, "app"),
    Sample("001", "GET", "/api/v2/audiences",
           f'{{"audience":{{{_AUDIENCE},"fields":[{{"label":"Email","type":"text","tag":"EMAIL","visible":true,"required":true}}]}},'
           '"contact_information":{"company":"ACME Corp","address_1":"578 Hudson Hills","address_2":"Apt. 909",'
           '"country":"United States","state":"Nevada","zip":"52441-9913","city":"Greenland","phone":"+14803795457",'
           '"website":"https://company.com","email":"contact@company.com"},"statistics":{"contact_count":1420,'
           '"subscribe_rate":0.98,"unsubscribe_rate":0.2,"subscribe_count":28,"unsubscribe_count":28}}', _IN, "app"),
    Sample("001", "POST", "/api/v2/audiences/add-field", _done("Custom field created"),
           {**_IN, "type": "text", "label": "Sample", "tag": "SAMPLE"}, "app", literal=True),
    Sample("001", "POST", "/api/v2/contacts",
           '{"status":"success","message":"Contact created","contact_uid":"6550142203654"}',
           {**_IN, "EMAIL": "sample@example.org", "PLAN_NAME": "Standard"}, "app"),
    Sample("001", "GET", "/api/v2/contacts",
           f'[{{"id":682,"contact_uid":"6550142203654",{_PERSON}}}]', _IN, "app"),
    Sample("001", "GET", "/api/v2/contacts",
           f'{{"contact":{{"id":682,"contact_uid":"6550142203654",{_PERSON},"PLAN_NAME":"Standard"}}}}', _NAMED, "app"),
    Sample("001", "GET", "/api/v2/contacts/duplicate",
           f'{{"contacts":[{{"id":682,"contact_uid":"6550142203654","audience_uid":"5fade5c93e42a",{_PERSON}}}]}}',
           {"email": "${contact.email}"}, "app"),
    Sample("001", "PATCH", "/api/v2/contacts/update",
           '{"status":"success","message":"Contact updated","contact_uid":"6550142203654"}',
           {**_NAMED, "tag": "updated, new user"}, "app"),
    Sample("001", "PATCH", "/api/v2/contacts/addtag", _done("Tag added"), {**_NAMED, "tag": "x"}, "app", literal=True),
    Sample("001", "PATCH", "/api/v2/contacts/subscribe", _done("Contact subscribed"), _NAMED, "app", literal=True),
    Sample("001", "PATCH", "/api/v2/contacts/unsubscribe", _done("Contact unsubscribed"), _NAMED, "app", literal=True),
    Sample("001", "DELETE", "/api/v2/contacts", _done("Contact deleted"), _NAMED, "app", literal=True),
    Sample("001", "GET", "/api/v2/campaigns", f"[{{{_CAMPAIGN}}}]", {}, "app"),
    Sample("001", "GET", "/api/v2/campaigns",
           f'{{"campaign":{{{_CAMPAIGN}}},"insights":{{"recipients":123,"delivery_rate":0.95,"open_count":31,'
           '"unique_open_count":21,"unique_open_rate":0.25,"click_count":16,"unique_click_count":9,"click_rate":0.19,'
           '"click_per_unique_open":0.42,"spam_report_count":0,"spam_report_rate":0,"bounce_count":1,"bounce_rate":0.01,'
           '"unsubscribed_count":0,"unsubscribed_rate":0.0}}', {"campaign_uid": "${campaign_done.uid}"}, "app"),
    Sample("001", "POST", "/api/v2/blacklist",
           '{"status":"success","email":"bademail@gmail.com","blacklisted":true,'
           '"blacklist_time":"2024-02-02T12:16:05.000000Z","reason":"bounced"}',
           {"email": "${contact_blacklisted.email}"}, "app"),
]  # fmt: skip
"""In the order in which they have to be asked: the contact that is made is deleted in the end."""

SAMPLES = [
    Sample("002", "GET", "/rest/json/accounts",
           f'{{"response":{{"status":200,"message":"OK","data":{{"accounts":[{{"username":"test_username1","apikey":"{_KEY}"}},'
           f'{{"username":"test_username2","apikey":"{_KEY}"}}]}}}}}}'),
    Sample("002", "GET", "/rest/json/accounts/xheaders", '{"response":{"status":200,"message":"OK"}}'),
    Sample("002", "POST", "/rest/json/accounts",
           f'{{"response":{{"status":200,"message":"OK","data":{{"apikey":"{_KEY}"}}}}}}', _CREATE),
    Sample("002", "POST", "/rest/json/accounts", '{"response":{"status":200,"message":"OK","data":"OK"}}',
           {"xheader1": "X-Address"}, "other", literal=True),
    Sample("002", "POST", "/rest/json/accounts/delete", '{"response":{"status":200,"message":"OK","data":[]}}',
           {"username": _CREATE["username"]}, literal=True),
    Sample("003", "POST", "/rest/json/send", '{"response":{"status":200,"message":"OK","data":"250 2.1.0 Ok"}}',
           {"from": "sender1@example.com", **_MAIL}, literal=True),
    Sample("003", "POST", "/rest/json/send",
           '{"response":{"status":200,"message":"OK","data":"503 5.5.1 Error: need MAIL command"}}',
           {"from": "example@example.com", **_MAIL}, literal=True),
    Sample("004", "GET", "/bounces",
           '[{"domain":"example.com","bounce_category":"policy-related","email_id":"20161122000000.125874958762@mail6-40-ussnn1",'
           '"postback_time":0,"bounce_time":1479772800,"sender_id":17,"bounce_type":"soft","email_address":"recipient1@example.com",'
           f'"user_id":21,"xheaders":{X_HEADERS},"bounce_code":"4.2.0","process_time":1479772800,"local":"recipient1"}}]',
           SPAN, "sub_a"),
    Sample("004", "GET", BOUNCE_PATH,
           '{"processing_time":0.2052,"resp_time":1477422244.8282,"data":{"domain":"example.com","bounce_category":"policy-related",'
           f'"xheaders":{X_HEADERS},"bounce_code":"5.2.2","email_id":"20160829200233.000004d57a76@mail6-45-ussnn1",'
           '"process_time":1472500953,"sender_id":107546,"local":"recipient1","bounce_type":"soft","full_content":"Return-Path: <>",'
           '"bounce_time":1472500955,"diagnostic_code":"smtp;552 5.2.2 Over quota","user_id":405954,"regex_name":"policyrelated03",'
           '"email_address":"recipient1@example.com","postback_time":0},"api_host":"example.com","recv_time":1477422244.623}',
           {}, "sub_a"),
    Sample("004", "GET", "/bounce/counts",
           '{"processing_time":1.1909,"resp_time":1483459119.2615,"data":[{"bounce_count":13536,"sender_id":17,'
           '"sender":"sender1@example.com","soft_bounce_count":9024,"hard_bounce_count":4512}]}', SPAN),
    Sample("004", "GET", "/bounce/counts",
           '{"19":[{"bounce_count":0,"timestamp":1479600000,"soft_bounce_count":36096,"hard_bounce_count":13092}]}',
           {**SPAN, "timeseries": "day"}),
    Sample("004", "GET", "/bounce/categories", '{"data":["bad-configuration","bad-connection"]}'),
    Sample("004", "GET", "/emails",
           '{"data":[{"email_address":"recipient3@example.com","domain":"example.com","user_id":20,'
           f'"xheaders":{X_HEADERS},"delivered":true,"email_id":"20161122000000.119152799365@mail6-40-ussnn1",'
           '"process_time":1479772800,"sender_id":23,"local":"recipient3"}]}', SPAN, "sub_a"),
    Sample("004", "GET", "/email/counts",
           '{"data":[{"sender_id":23,"sent_count":4500,"sender":"sender1@example.com"}]}', SPAN),
    Sample("004", "GET", "/email/counts", '{"data":[{"user_id":20,"sent_count":9000}]}', {**SPAN, "rollup_to": "user"}),
    Sample("004", "GET", "/email/counts", '{"data":{"20":[{"timestamp":1479772800,"sent_count":24}]}}',
           {**SPAN, "rollup_to": "user", "timeseries": "hour"}),
    Sample("004", "GET", "/blocked-emails",
           '{"data":[{"email_address":"recipient1@example.com","postback_time":0,"user_id":20,"xheaders":null,"domain":"example.com",'
           '"email_id":"20161122000000.102802739903@mail6-40-ussnn1","process_time":1479772800,"sender_id":23,'
           '"blocked_reason":"unsubscribe","local":"recipient1"}]}', SPAN),
    Sample("004", "GET", "/blocked-email/counts",
           '{"processing_time":1.1909,"resp_time":1483459119.2615,"data":[{"bounce_count":13536,"sender_id":17,'
           '"sender":"sender1@example.com","soft_bounce_count":9024,"hard_bounce_count":4512}]}', SPAN),
    Sample("004", "GET", "/blocked-email/counts", '{"data":[{"user_id":21,"blocked_email_count":36096}]}',
           {**SPAN, "rollup_to": "user"}),
    Sample("004", "GET", "/blocked-email/counts", '{"data":{"24":[{"timestamp":1479600000,"blocked_email_count":2345}]}}',
           {**SPAN, "rollup_to": "user", "timeseries": "day"}),
    Sample("004", "GET", "/blocked-email/reasons", '{"data":["complaint","hardbounce","manual","softbounce","unsubscribe"]}'),
]  # fmt: skip
"""In the order in which they have to be asked: the account that is created is deleted later."""
SAMPLES += DYNOSEND_SAMPLES
