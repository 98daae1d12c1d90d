"""Mail of send steps: all of one turn are written together. Uses front doors below and this package's rows.

Source: docs/contract/dynosend.md, 13 to 15; docs/contract/dyn-email.md, 16 and 18.
"""

import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.core import audiences, messages
from app.core.audiences import Audience
from app.core.automations import repository
from app.core.automations.going import Going
from app.core.automations.runs import Reason
from app.core.automations.values import Send
from app.core.errors import CoreError, Forbidden, NotFound, QuotaExceeded
from app.core.messages import Draft, Lane, OnBehalf
from app.core.transactional import Person, Site, Texts, Unrenderable, dynosend_headers, rendered, values_of
from app.db.engine import driver_of, is_disconnect
from app.db.unit_of_work import WriteSession
from app.kit.clock import second
from app.kit.uids import Noun, uid
from app.mail.addresses import InvalidAddress, Mailbox, parse_mailbox
from app.mail.campaign.html import with_preheader
from app.mail.personalise import SyntaxProblem
from app.mail.tracked import Tracks
from app.models.message import Kind
from app.models.template import Template

QUOTA_SECONDS = 1800
"""After which a mail is tried again for which the quota was spent; plus as much at most, by the number of the run."""
NO_QUOTA = "the monthly quota is spent"
NO_ACCOUNT = "the account may not send"
logger = logging.getLogger(__name__)


class _Impossible(Exception):
    """Raised when a mail cannot be made; its text is for the owner."""


@dataclass(frozen=True, slots=True)
class _Letter:
    """What the mails of one step have in common."""

    step: Send
    template: Template
    sender_id: int
    audience: Audience
    tags: frozenset[str]


async def send(
    write: WriteSession, runs: Sequence[Going], *, site: Site, now: datetime | None, default_cap: int
) -> int:
    """Write the mails of runs that stand at send steps, and note in the runs what became of it.

    It holds rows of counters, so contacts are held after it, never before.

    Args:
        write: The transaction.
        runs: Held ones, each at a send step.
        site: Of the installation.
        now: Time of acceptance; None: that of the runs.
        default_cap: Monthly limit of masters without one of their own.

    Returns:
        How many were written.
    """
    by_account: defaultdict[int, list[Going]] = defaultdict(list)
    for run in runs:
        if run.who is None:
            run.stop(Reason.DELETED)
        elif run.who.status not in run.plan.mailed or (run.has_left and not run.plan.mails_leavers):
            run.stop(Reason.UNSUBSCRIBED)
        else:
            by_account[run.plan.account_id].append(run)
    drafts: list[tuple[Going, Draft]] = []
    for account_id, group in sorted(by_account.items()):
        drafts += await _drafts(write, account_id, group, site=site, now=now, default_cap=default_cap)
    return await _write(write, drafts, default_cap) if drafts else 0


async def _drafts(
    write: WriteSession, account_id: int, runs: list[Going], *, site: Site, now: datetime | None, default_cap: int
) -> list[tuple[Going, Draft]]:
    """Return the mails of one account for which its quota has room; the other runs are put off, or have failed."""
    connection = await driver_of(await write.connection())
    try:
        left = await messages.left_this_month(
            connection, account_id, now or runs[0].now, default_cap=default_cap, lock=False
        )
    except Forbidden:
        left, error = 0, NO_ACCOUNT
    else:
        error = NO_QUOTA
    if left is not None and left < len(runs):
        for run in runs[left:]:
            run.put_off(error, QUOTA_SECONDS + run.id % QUOTA_SECONDS)
        runs = runs[:left]
    letters: dict[tuple[int, int], _Letter | str] = {}
    drafts = []
    ids = iter(await messages.reserve_ids(connection, 2 * len(runs)) if runs else ())
    for run in runs:
        key = run.plan.id, run.position
        if key not in letters:
            letters[key] = await _letter(write, run)
        letter = letters[key]
        if isinstance(letter, str):
            run.fail(letter)
            continue
        try:
            draft = await _draft(run, letter, site, now or run.now, (next(ids), next(ids)))
        except (_Impossible, Unrenderable, SyntaxProblem) as problem:
            run.fail(str(problem))
        else:
            drafts.append((run, draft))
    return drafts


async def _letter(write: WriteSession, run: Going) -> _Letter | str:
    """Return what the mails of a step have in common, or why there can be none."""
    step, account_id = run.step, run.plan.account_id
    if not isinstance(step, Send):
        return "the step is no mail"
    template = (await repository.templates(write, account_id, [step.template_id])).get(step.template_id)
    if template is None:
        return "its template was deleted"
    email = step.from_email.lower()
    sender_id = (await repository.senders(write, account_id, [email])).get(email)
    if sender_id is None:
        return f"{step.from_email} is not an approved sender"
    try:
        audience = await audiences.get(write, account_id, run.plan.audience_id)
    except NotFound:
        return "its audience was deleted"
    fields = await audiences.field_set(write, account_id, audience.id)
    return _Letter(step, template, sender_id, audience, frozenset(fields.types))


async def _draft(run: Going, letter: _Letter, site: Site, at: datetime, ids: tuple[int, int]) -> Draft:
    """Return one mail.

    Raises:
        Unrenderable: A text is malformed, or becomes too large.
        SyntaxProblem: HTML or preheader are malformed.
        _Impossible: The contact's address is none.
    """
    who, step = run.who, letter.step
    if who is None:
        raise _Impossible("its contact was deleted")
    try:
        recipient = parse_mailbox(who.address).address
    except InvalidAddress:
        raise _Impossible("the address of the contact is none") from None
    accepted_at = second(at)
    person = Person(who.id, who.address, who.fields)
    values = values_of(site, letter.audience, person, message_id=ids[1], accepted_at=accepted_at)
    texts = await _texts(letter, values)
    headers = (
        ("From", Mailbox(step.from_name, step.from_email).header_text()),
        ("To", recipient),
        *((("Reply-To", step.reply_to),) if step.reply_to else ()),
        ("Subject", " ".join(texts.subject.split())),
        ("Precedence", "bulk"),
        ("X-Dynosend-Campaign-Id", uid(Noun.AUTOMATION, run.plan.id)),
        *dynosend_headers(site, person, message_id=ids[1], accepted_at=accepted_at),
    )
    wanted = Tracks(Tracks.UNSUBSCRIBING | Tracks.OPENS * step.track_opens | Tracks.CLICKS * step.track_clicks)
    tracked = await messages.tracking_with(wanted, headers=headers, html=texts.html, public_url=site.public_url)
    return Draft(
        caller=OnBehalf(run.plan.account_id),
        sender_id=letter.sender_id,
        from_address=step.from_email,
        kind=Kind.AUTOMATION,
        lane=Lane.NORMAL,
        headers=headers,
        text=texts.text,
        html=texts.html,
        recipients=(recipient,),
        x_headers=None,
        issues=(),
        received_at=at,
        tracking=tracked.tracking,
        links=tracked.links,
        contact_id=who.id,
        ids=ids,
    )


async def _texts(letter: _Letter, values: dict[str, str]) -> Texts:
    """Return what one mail says.

    Raises:
        Unrenderable: A text is malformed, or becomes too large.
        SyntaxProblem: HTML or preheader are malformed.
    """
    template = letter.template
    html = template.html if template.html.strip() else None
    text = template.text if template.text and template.text.strip() else None
    subject = letter.step.subject or template.subject
    if html is None and text is None:
        text = ""
    texts = await rendered(Texts(subject, html, text), values, tags=letter.tags)
    if html is None or not template.preheader.strip():
        return texts
    # Once more: the line is to be hidden in the HTML, and not to stand in a text part that is made of it.
    shown = await rendered(Texts("", with_preheader(html, template.preheader), ""), values, tags=letter.tags)
    return Texts(texts.subject, shown.html, texts.text)


async def _write(write: WriteSession, drafts: Sequence[tuple[Going, Draft]], default_cap: int) -> int:
    """Write mails together; where that fails each alone. Return how many were written."""
    attempt = await write.attempt()
    try:
        connection = await driver_of(await write.connection())
        written = await messages.write_drafts(connection, [draft for _, draft in drafts], default_cap=default_cap)
    except Exception as error:
        if is_disconnect(error):
            raise
        await attempt.undo()
        if len(drafts) > 1:
            return sum([await _write(write, [one], default_cap) for one in drafts])
        logger.exception("a mail of automation %s could not be written", drafts[0][0].plan.id)
        drafts[0][0].fail("the mail could not be written")
        return 0
    await attempt.stand()
    count = 0
    for (run, _), outcome in zip(drafts, written, strict=True):
        if isinstance(outcome, CoreError):
            error_text = NO_QUOTA if isinstance(outcome, QuotaExceeded) else NO_ACCOUNT
            run.put_off(error_text, QUOTA_SECONDS + run.id % QUOTA_SECONDS)
            continue
        count += 1
        run.sent[str(run.position)] = [outcome.message_ids[0], int(outcome.accepted_at.timestamp())]
        run.go_on()
        run.rest()
    return count
