"""`trireme import dyn DIRECTORY`: CSV files with the keys of the classic API's lists as columns."""

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx2
from hypothesis import given
from hypothesis import strategies as st

from app.cli.import_dyn.history import History
from app.cli.import_dyn.source import HISTORY, UNIQUE, Record, Unit
from app.cli.import_dyn.state import State
from tests.cli.import_dyn.comparing import RANGE, told
from tests.cli.import_dyn.conftest import Target
from tests.cli.import_dyn.running import SENDERS, asked, run, snapshot
from tests.factories import Factories, MadeAccount

LISTS = {"sent": "sent", "delivered": "delivered", "bounces": "bounces", "complaints": "complaints", "opens": "opens",
         "opens/unique": "opens", "clicks": "clicks", "clicks/unique": "clicks"}  # fmt: skip
KINDS = ("", "previouslyhardbounced", "previouslycomplained", "suppressed")


def write(path: Path, items: Sequence[Mapping[str, Any]], delimiter: str = ",") -> None:
    """Write items as CSV, columns in reverse order and in capitals."""
    columns = sorted({name for item in items for name in item}, reverse=True)
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerow([name.upper() if name[:2] != "X-" else name for name in columns])
        for item in items:
            cells = [item.get(name, "") for name in columns]
            writer.writerow([json.dumps(cell) if isinstance(cell, dict | list) else cell for cell in cells])


async def export(client: httpx2.AsyncClient, key: str, directory: Path, senders: Sequence[str]) -> None:
    """Write what the API tells to a key into files."""

    async def ask(path: str, **fields: str) -> Any:
        answer = await client.get(f"/rest/json/{path}", params={"apikey": key, **fields})
        return answer.json()["response"]["data"]

    write(directory / "xheaders.csv", [await ask("accounts/xheaders")])
    write(directory / "senders.csv", (await ask("senders"))["senders"])
    write(directory / "suppressions.csv", (await ask("suppressions"))["suppressions"], ";")
    write(directory / "issues.csv", (await ask("reports/issues", **RANGE))["issue"])
    for name, list_key in LISTS.items():
        items: list[Any] = []
        for sender in senders:
            for kind in KINDS if name == "bounces" else ("",):
                data = await ask(f"reports/{name}", sender=sender, bouncetype=kind, **RANGE)
                items += [{**item, "sender": sender} for item in data[list_key]]
        write(directory / f"{name.replace('/', '-')}.csv", items, "\t")


async def test_files_bring_everything_along_and_again_nothing(
    master: MadeAccount, client: httpx2.AsyncClient, target: Target, tmp_path: Path
) -> None:
    data = (await client.get("/rest/json/accounts", params={"apikey": master.key})).json()["response"]["data"]
    folder = tmp_path / "export"
    (folder / "sub@accounts.example").mkdir(parents=True)
    await export(client, master.key, folder, SENDERS)
    write(
        folder / "accounts.csv",
        [{**one, "emailcap": data["emailcap"]} for one in data["accounts"][:1]] + data["accounts"][1:],
    )
    sub_key = data["accounts"][1]["apikey"]
    await export(client, sub_key, folder / "sub@accounts.example", ["sub@x.example"])
    status, summary, errors = await run(target.settings, str(folder))
    assert (status, summary["warnings"]) == (0, []), errors
    assert await asked(target.settings, master.key, *SENDERS) == await told(client, master.key, *SENDERS)
    assert await asked(target.settings, sub_key, "sub@x.example") == await told(client, sub_key, "sub@x.example")
    before = await snapshot(target.engine)
    assert (await run(target.settings, str(folder)))[0] == 0
    after = await snapshot(target.engine)
    assert {table: rows for table, rows in after.items() if rows != before[table]} == {}


async def test_a_few_files_go_to_an_account_that_is_here(target: Target, tmp_path: Path) -> None:
    make = Factories(target.engine, target.settings)
    here = await make.account("here@accounts.example", senders=["only@x.example"])
    sub = await make.account("sub@accounts.example", parent=here)
    (tmp_path / "suppressions.csv").write_text(
        "account,emailaddress,reasontype\n,a@y.example,complaint\nSUB@accounts.example,b@y.example,\n"
        ",nobody,\n,c@y.example,spam\nwho@accounts.example,d@y.example,manual\n"
    )
    (tmp_path / "sent.csv").write_text(
        "senttime,emailaddress,X-Campaign\n2016-11-22T00:00:00Z,a@y.example,spring\n2016-11-22 01:00,b@y.example\n"
        "1999-01-01,old@y.example,\nnever,a@y.example,\n2016-11-22,nobody,\n"
    )
    (tmp_path / "bounces.csv").write_text(
        "bouncetime,emailaddress,bouncetype,bouncerule,bouncecode,bouncemessage\n"
        '2016-11-22T00:00:09Z,a@y.example,hard,emaildoesntexist,5.1.1,"550 5.1.1\nUser unknown"\n'
        "2016-11-22T00:00:09Z,z@y.example,soft,overquota,,\n"
    )
    status, summary, errors = await run(target.settings, str(tmp_path), "--account", "here@accounts.example")
    assert status == 0, errors
    counts = summary["counts"]
    assert counts["suppressions.made"] == 1  # accounts that no file and no directory is about are left out
    assert (counts["suppressions.not valid"], counts["history.not valid"]) == (2, 2)
    assert (counts["history.accepted"], counts["history.bounced"], counts["history.rejected"]) == (4, 2, 1)
    assert counts["history.without a copy"] == 1
    assert len(summary["warnings"]) == 1  # 1999
    found = await asked(target.settings, here.key, "only@x.example")
    assert found["suppressions"][0]["reasontype"] == "complaint"
    bounces = found["bounces of only@x.example"]["bounces"]
    assert [(one["bouncerule"], one["bouncecode"], one["emailaddress"]) for one in bounces] == [
        ("emaildoesntexist", "5.1.1", "a@y.example"),
        ("overquota", "5.0.0", "z@y.example"),
    ]
    assert sub.key


WORDS = st.text(max_size=20) | st.sampled_from(
    [
        "2016-11-22T00:00:00Z",
        "1479772800000",
        "a@y.example",
        "b@y.example",
        "hard",
        "suppressed",
        "-5",
        "9" * 40,
        "\ud800",
    ]
)
NAMES = st.sampled_from(
    ["emailaddress", "date", "senttime", "mssenttime", "bouncetime", "bouncetype", "bouncerule", "bouncecode", "count",
     "bouncemessage", "sender", "ip", "clicklink", "issuetype", "description", "complainttime"]
)  # fmt: skip
RECORDS = st.lists(
    st.builds(Record, st.dictionaries(NAMES, WORDS), st.dictionaries(WORDS, WORDS, max_size=2)), max_size=8
)


@given(st.lists(st.tuples(st.sampled_from([*HISTORY, *UNIQUE.values()]), RECORDS), max_size=4))
def test_any_records_are_taken_or_not(pages: list[tuple[Any, list[Record]]]) -> None:
    state = State(None)
    history = History(state, "owner", 1)
    for resource, records in pages:
        taken = history.take(Unit(resource, "news@x.example"), records)
        assert len(taken.events) <= 2 * len(records)
    state.close(finished=True)
