"""`submission`: mails handed over by SMTP, durable before their 250, beside the same client into a bare sink.

PostgreSQL (durable) and one submission process run, and nothing else of the product. Accepted copies stay in the queue.
"""

from app.kit.ports import free_port, is_answering
from bench import postfix
from bench.machine import cpu_seconds, wait_until_idle
from bench.options import Options
from bench.processes import Process, results
from bench.sheet import Sheet
from bench.stand import SENDER, Stand

CONNECTIONS = 64
MAIL_BYTES = 2048
SOURCE_MAILS = 20_000
"""Mails of smtp-source, where it is installed."""


def run(options: Options) -> Sheet:
    """Measure."""
    sheet = Sheet(f"submission: mails of 2 KB by SMTP, {CONNECTIONS} sessions with PIPELINING, one process")
    with Stand() as stand:
        port = free_port()
        ours = stand.enter_context(stand.part("submission", smtp_port=port))
        ours.wait_for(lambda: is_answering("127.0.0.1", port))
        sink = stand.enter_context(Process("bench.counting_sink", stand.directory / "sink.state"))
        sink_port = int(sink.line())
        wait_until_idle([ours.pid, sink.pid])
        for _ in range(options.runs):
            plain = _load(options, sink_port)
            sheet.add("the same client into a bare sink", "mails/s", plain["rate"])
            rate = _product(options, sheet, stand, ours, port)
            if postfix.is_installed():
                with postfix.smtp_sink() as bare:
                    source = postfix.smtp_source(bare, SOURCE_MAILS, MAIL_BYTES)
                sheet.add("smtp-source into smtp-sink, nothing kept", "mails/s", source)
                sheet.add("submission, of that rate", "%", rate / source * 100)
        sheet.note(f"PostgreSQL {stand.postgres_version()}, fsync on; no delivery process runs, copies stay queued")
        sheet.note(f"client, submission and PostgreSQL share the cores; {options.seconds:g} s a run after warm-up")
        if not postfix.is_installed():
            sheet.note("smtp-source is not installed; the bare sink is that of the tests")
    return sheet


def _product(options: Options, sheet: Sheet, stand: Stand, ours: Process, port: int) -> float:
    """Measure submission; return its mails a second."""
    last = int(stand.value("SELECT max(id) FROM mails"))
    before, postgres_before = cpu_seconds([ours.pid]), cpu_seconds([stand.postgres.pid])
    sent = _load(options, port, "--sender", SENDER, "--username", "bench@localhost.test", "--password", stand.key)
    used, used_by_postgres = cpu_seconds([ours.pid]) - before, cpu_seconds([stand.postgres.pid]) - postgres_before
    stored = stand.value("SELECT count(*) FROM mails WHERE id > $1", last)
    groups = stand.value("SELECT count(DISTINCT xmin::text) FROM mails WHERE id > $1", last)
    assert stored == sent["all"], f"{sent['all']} replies, {stored:.0f} mails"
    sheet.add("submission", "mails/s", sent["rate"])
    sheet.add("submission: p50", "ms", sent["p50_ms"])
    sheet.add("submission: p99", "ms", sent["p99_ms"])
    sheet.add("submission: mails per commit", "", stored / groups)
    sheet.add("submission: its CPU", "us/mail", used / sent["all"] * 1e6)
    sheet.add("submission: CPU of PostgreSQL", "us/mail", used_by_postgres / sent["all"] * 1e6)
    sheet.add("submission: CPU of the client", "us/mail", sent["cpu_seconds"] / sent["all"] * 1e6)
    return sent["rate"]


def _load(options: Options, port: int, *more: object) -> dict[str, float]:
    """Run the load generator.

    Raises:
        RuntimeError: A reply was not what it should be.
    """
    command = ["bench.smtp_load", "--port", port, "--connections", CONNECTIONS, "--seconds", options.seconds]
    found = results([[*command, "--size", MAIL_BYTES, *more]])[0]
    if found["wrong"]:
        raise RuntimeError(f"{found['wrong']} replies were wrong, such as {found['example']}")
    return found
