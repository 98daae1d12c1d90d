"""`trireme import dyn DIRECTORY`: CSV files with the keys of the classic API's lists as columns."""

import csv
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import httpx2
from hypothesis import given
from hypothesis import strategies as st

from app.cli.import_dyn.history import History
from app.cli.import_dyn.source import HISTORY, UNIQUE, Record, Unit
from app.cli.import_dyn.state import State
from app.core.retention import first_kept
from app.db.engine import driver_connection
from app.settings import Retention
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
    assert (counts["history.accepted"], counts["history.bounced"], counts["history.older"]) == (3, 2, 1)  # 1999
    assert (counts["history.without a copy"], summary["warnings"]) == (1, [])
    found = await asked(target.settings, here.key, "only@x.example")
    assert found["suppressions"][0]["reasontype"] == "complaint"
    bounces = found["bounces of only@x.example"]["bounces"]
    assert [(one["bouncerule"], one["bouncecode"], one["emailaddress"]) for one in bounces] == [
        ("emaildoesntexist", "5.1.1", "a@y.example"),
        ("overquota", "5.0.0", "z@y.example"),
    ]
    assert sub.key


async def test_what_tells_less_than_the_rest_is_of_the_same_copy(target: Target, tmp_path: Path) -> None:
    """Times without their milliseconds, addresses in other letters; and what is in no encoding that is understood."""
    here = await Factories(target.engine, target.settings).account("here@a.example", senders=["only@x.example"])
    (tmp_path / "sent.csv").write_text(
        "senttime,mssenttime,emailaddress\n2016-11-22T00:00:00Z,1479772800123,Jo@y.example\n"
        "2016-11-22T00:00:00Z,1479772800123,Jo@y.example\n2016-11-22T00:00:00Z,1479772800456,Jo@y.example\n"
    )
    (tmp_path / "delivered.csv").write_text("senttime,emailaddress\n" + "2016-11-22T00:00:00Z,Jo@y.example\n" * 3)
    (tmp_path / "bounces.csv").write_text(
        "bouncetime,emailaddress,bouncetype,bouncemessage\n2016-11-22T00:00:09Z,jo@y.example,hard,550 5.1.1 Unknown\n"
    )
    (tmp_path / "suppressions.csv").write_bytes("emailaddress\nj\xf6@y.example\n".encode("latin-1"))
    status, summary, errors = await run(target.settings, str(tmp_path), "--account", "here@a.example")
    assert status == 0, errors
    assert summary["counts"] == {
        "accounts.existing": 1, "history.accepted": 3, "history.delivered": 3, "history.bounced": 1,
        "suppressions.not valid": 1,
    }  # fmt: skip
    async with driver_connection(target.engine) as connection:
        assert await connection.fetchval("SELECT count(*) FROM messages WHERE delivered_at IS NOT NULL") == 3
        assert await connection.fetchval("SELECT diagnostic FROM bounces") == "550 5.1.1 Unknown"
    assert here.id


async def test_copies_that_are_too_old_are_left_out_with_what_happened_to_them(target: Target, tmp_path: Path) -> None:
    """Else they would be counted again: nobody knows them again once their months are dropped."""
    await Factories(target.engine, target.settings).account("here@a.example", senders=["only@x.example"])
    now = datetime.now(UTC)
    kept = datetime.combine(first_kept(now, 100), time(), UTC)
    times = [kept - timedelta(seconds=1), kept, now - timedelta(days=1)]
    sent = f"senttime,emailaddress\n{times[0]},a@y.example\n{times[1]},b@y.example\n{times[2]},b@y.example\n"
    (tmp_path / "sent.csv").write_text(sent)
    (tmp_path / "opens.csv").write_text(f"date,emailaddress\n{times[2]},a@y.example\n{times[2]},b@y.example\n")
    refusals = "".join(f"{at},c@y.example,refused\n" for at in times)
    (tmp_path / "issues.csv").write_text(f"date,emailaddress,issuetype\n{refusals}")
    few = target.settings.model_copy(update={"retention": Retention(detail_days=100)})
    for begin, kinds, older in ((kept, (2, 1, 2), 3), (now - timedelta(days=1), (1, 1, 1), 5)):
        status, summary, errors = await run(few, str(tmp_path), "--account", "here@a.example", "--since", f"{begin:%F}")
        assert status == 0, errors
        counts = summary["counts"]
        assert tuple(counts[f"history.{kind}"] for kind in ("accepted", "opened", "refused")) == kinds
        assert counts["history.older"] == older


async def test_history_that_is_not_kept_is_said_to_be_left_out(target: Target, tmp_path: Path) -> None:
    await Factories(target.engine, target.settings).account("here@a.example")
    few = target.settings.model_copy(update={"retention": Retention(detail_days=100)})
    status, summary, _ = await run(few, str(tmp_path), "--account", "here@a.example")
    month = first_kept(datetime.now(UTC), 100)
    said = f"history before {month} is left out: details are kept for 100 days (retention.detail_days)"
    assert (status, summary["warnings"]) == (0, [said])


async def test_an_import_that_could_not_begin_leaves_nothing_behind(target: Target, tmp_path: Path) -> None:
    assert (await run(target.settings, str(tmp_path), "--account", "nobody@a.example"))[0] == 2
    assert list(target.settings.data_dir.glob("import-dyn-*")) == []


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
    history = History(state, "owner", 1, datetime(2016, 1, 1, tzinfo=UTC))
    for resource, records in pages:
        taken = history.take(Unit(resource, "news@x.example"), records)
        assert len(taken.events) <= 2 * len(records)
    state.close(finished=True)
