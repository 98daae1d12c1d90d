"""Copies of campaign runs: a version of a content is loaded and compiled once, each copy fills its slots.

Signing a copy happens on the loop, between two replies: with one process per core a thread would only add to the
0.4 ms that RSA takes.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from app.core import campaigns, messages
from app.core.messages import Copy
from app.db.sql import Connection
from app.delivery.identities import Identities
from app.delivery.transmission import Obligations, Transmission
from app.kit.secrets import derive
from app.kit.uids import Noun, uid
from app.mail import dkim, verp
from app.mail.campaign import CompiledCampaign, CopyFacts, Links, compile_campaign
from app.settings import Settings

KEPT = 64
"""Versions kept in memory; copies that wait keep theirs in any case."""


@dataclass(frozen=True, slots=True)
class _Version:
    tracking_domain: str
    """The host that its links lead to; empty: the installation's."""
    compiled: CompiledCampaign
    by_audience: Mapping[int, Mapping[str, str]]


class RunMails:
    """Makes the mails of runs. One per delivery process."""

    def __init__(self, settings: Settings, identities: Identities) -> None:
        """Prepare.

        Args:
            settings: `secret_keys`, `public_url`, `bounce_domain`, `node_name`.
            identities: Senders' keys and hosts.
        """
        self._settings = settings
        self._identities = identities
        self._verp_key = derive(settings.secret_keys[0], "verp")
        self._links = Links(settings.public_url, settings.bounce_domain, derive(settings.secret_keys[0], "tracking"))
        self._versions: OrderedDict[tuple[int, int], _Version] = OrderedDict()

    async def load(self, connection: Connection, copy: Copy) -> None:
        """Have the content and the sender of a copy at hand.

        Raises:
            NotFound: There is no such version.
            SyntaxProblem, ValueError: It can't be compiled.
        """
        host = (await self._identities.of(copy.sender_id)).tracking_domain
        key = (copy.run_id or 0, copy.content_version)
        known = self._versions.get(key)
        if known is None or known.tracking_domain != host:
            stored = await campaigns.version_content(connection, *key)
            feedback = f"{copy.run_id}:{copy.account_id}:{copy.kind}:{self._settings.node_name}"
            content = replace(stored.content, headers=(*stored.content.headers, ("Feedback-ID", feedback)))
            compiled = await asyncio.to_thread(compile_campaign, content, self._links.at(host))
            self._versions[key] = _Version(host, compiled, stored.by_audience)
            if len(self._versions) > KEPT:
                self._versions.popitem(last=False)
        self._versions.move_to_end(key)

    def job(self, copy: Copy, obligations: Obligations) -> Transmission:
        """Return the SMTP transaction of a copy whose content was loaded right before."""
        version = self._versions[copy.run_id or 0, copy.content_version]
        identity = self._identities.known(copy.sender_id)
        token = verp.encode(self._verp_key, accepted_at=int(copy.accepted_at.timestamp()), message_id=copy.message_id)
        domain = (identity.return_domain if identity is not None else "") or self._settings.bounce_domain
        signers = () if identity is None or identity.signer is None else (identity.signer,)
        return Transmission(
            copy,
            partial(self._compose, copy, version, token, signers),
            envelope_from=verp.return_path(token, copy.recipient, domain),
            size=version.compiled.size,
            smtputf8=version.compiled.needs_smtputf8 or not copy.recipient.isascii(),
            obligations=obligations,
        )

    def _compose(self, copy: Copy, version: _Version, token: str, signers: Sequence[dkim.Signer]) -> bytes:
        values: Mapping[str, str] = copy.fields
        if version.by_audience:
            values = {**copy.fields, **version.by_audience.get(copy.fields.get("@", 0), {})}
        return version.compiled.compose(
            CopyFacts(
                copy.message_id,
                copy.accepted_at,
                copy.recipient,
                messages.email_id(copy.accepted_at, copy.message_id, self._settings.bounce_domain),
                token,
                uid(Noun.CONTACT, copy.contact_id),
                values,
            ),
            signers,
        )
