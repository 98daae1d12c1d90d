"""The sample answers of the documents the Dyn families come from, and the requests that they answer.

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
