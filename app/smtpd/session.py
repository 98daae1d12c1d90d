"""One SMTP session: the receiving half of RFC 5321, strict about line ends and bounded in everything.

Offers PIPELINING, 8BITMIME, SMTPUTF8, SIZE, ENHANCEDSTATUSCODES, STARTTLS where there is a certificate, and AUTH where
the service has accounts. Imports its siblings.
"""

import asyncio
import ssl
from collections.abc import Awaitable

from app.smtpd import commands, login
from app.smtpd.content import ContentReader
from app.smtpd.limits import Budget, Limits
from app.smtpd.service import Mail, Peer, Service
from app.smtpd.wire import Closed, Stopping, Wire
from app.telemetry.logger import Logger

COMMAND_BYTES = 2048
"""Longest command line; RFC 5321 asks for 512, and parameters and SMTPUTF8 for more."""
GARBAGE_BYTES = 256 * 1024
"""Of a line that does not end; then the session does."""
_TRY_LATER = "451 4.3.0 not possible at the moment, try again"
_LOG = Logger(__name__)


class _End(Exception):
    """Ends the session with a last reply."""


class Session:
    """Speaks with one client until it quits or must go.

    Attributes:
        busy: Whether the content of a mail is under way or being dealt with.
    """

    def __init__(
        self, wire: Wire, service: Service, limits: Limits, budget: Budget, tls: ssl.SSLContext | None = None
    ) -> None:
        """Take what it works with.

        Args:
            wire: Connected.
            service: Decides.
            limits: What the client may do.
            budget: Of all sessions together.
            tls: Our certificate; None: STARTTLS is not offered.
        """
        self.busy = False
        self._wire, self._service, self._limits, self._budget, self._tls = wire, service, limits, budget, tls
        self._peer = Peer(wire.address)
        self._sender: str | None = None
        self._utf8 = False
        self._recipients: list[str] = []
        self._commands = self._idle = self._mistakes = 0
        self._session_end = asyncio.get_running_loop().time() + limits.session_seconds
        self._verbs = {
            "EHLO": self._ehlo,
            "HELO": self._helo,
            "MAIL": self._mail,
            "RCPT": self._rcpt,
            "DATA": self._data,
            "RSET": self._rset,
            "NOOP": self._noop,
            "VRFY": self._vrfy,
            "QUIT": self._quit,
            "STARTTLS": self._starttls,
            "AUTH": self._auth,
        }

    async def run(self) -> None:
        """Serve the session to its end; ends quietly however the client goes."""
        try:
            self._say(f"220 {self._service.name} ESMTP")
            while True:
                await self._command(await self._line())
        except _End as end:
            self._say(str(end))
        except Stopping:
            self._say("421 4.3.2 stopping, come back later")
        except TimeoutError:
            self._say("421 4.4.2 too slow")
        except (Closed, OSError):
            pass
        finally:
            self._wire.close()

    def _say(self, *lines: str) -> None:
        self._wire.say(*lines)

    def _refuse(self, reply: str) -> None:
        self._mistakes += 1
        self._say(reply)
        if self._mistakes >= self._limits.mistakes:
            raise _End("421 4.7.0 too many mistakes")

    async def _line(self, limit: int = COMMAND_BYTES) -> str | None:
        """Return the next line, or None for one that is too long or no UTF-8.

        Raises:
            Closed, Stopping, TimeoutError: It did not come.
            _End: It has a bare CR or LF, or no end.
        """
        waiting, dropped = self._wire.input, 0
        end = waiting.find(b"\n")
        if end < 0:
            end, dropped = await self._line_end(limit)
        line = bytes(waiting[:end])
        del waiting[: end + 1]
        if not line.endswith(b"\r") or line.count(b"\r") > 1:
            raise _End("521 5.5.2 bare CR or LF in a command")
        if dropped or len(line) > limit:
            return None
        try:
            return line[:-1].decode()
        except UnicodeDecodeError:
            return None

    async def _line_end(self, limit: int) -> tuple[int, int]:
        """Wait for a line end; return its place, and how many bytes of the line were thrown away as too many.

        Raises:
            Closed, Stopping, TimeoutError: It did not come.
            _End: There is none in a great many bytes.
        """
        deadline = min(asyncio.get_running_loop().time() + self._limits.command_seconds, self._session_end)
        waiting, dropped, scanned = self._wire.input, 0, 0
        while (end := waiting.find(b"\n", scanned)) < 0:
            if len(waiting) > limit:
                dropped += len(waiting) - 1
                del waiting[:-1]
                if dropped > GARBAGE_BYTES:
                    raise _End("500 5.5.6 line too long")
            scanned = len(waiting)
            await self._wire.fill(deadline)
        return end, dropped

    async def _command(self, line: str | None) -> None:
        """Carry out one command.

        Raises:
            _End: The session ends.
        """
        self._commands += 1
        self._idle += 1
        if self._commands > self._limits.commands or self._idle > self._limits.idle_commands:
            raise _End("421 4.7.0 too many commands")
        if line is None:
            self._refuse("500 5.5.6 line too long or malformed")
            return
        verb, rest = commands.verb_of(line)
        action = self._verbs.get(verb)
        if action is None:
            if commands.is_foreign(verb):
                raise _End("521 5.5.1 this is SMTP")
            self._refuse("500 5.5.2 unknown command")
            return
        await action(rest)

    async def _ehlo(self, rest: str) -> None:
        self._hello(rest)
        lines = ["PIPELINING", "8BITMIME", "SMTPUTF8", f"SIZE {self._limits.message_bytes}"]
        if self._tls is not None and not self._peer.encrypted:
            lines.append("STARTTLS")
        if self._service.offers_login(self._peer):
            lines.append("AUTH PLAIN LOGIN")
        lines = [self._service.name, *lines]
        self._say(*(f"250-{line}" for line in lines), "250 ENHANCEDSTATUSCODES")

    async def _helo(self, rest: str) -> None:
        self._hello(rest)
        self._say(f"250 {self._service.name}")

    def _hello(self, rest: str) -> None:
        self._reset()
        self._peer.name = rest.strip()[:255]

    def _reset(self) -> None:
        self._sender, self._utf8 = None, False
        self._recipients = []

    async def _mail(self, rest: str) -> None:
        path = commands.mail_path(rest)
        if isinstance(path, str):
            self._refuse(path)
        elif not self._peer.name:
            self._refuse("503 5.5.1 EHLO first")
        elif self._sender is not None:
            self._refuse("503 5.5.1 a mail is under way")
        elif path.size > self._limits.message_bytes:
            too_large = "552 5.3.4 message too large"
            self._refuse(await self._asked(self._service.refused(self._peer, path.address, (), too_large)))
        elif self._answer(await self._asked(self._service.sender(self._peer, path.address, path.size))):
            self._sender, self._utf8 = path.address, path.utf8

    async def _rcpt(self, rest: str) -> None:
        path = commands.recipient_path(rest, utf8=self._utf8)
        if isinstance(path, str):
            self._refuse(path)
        elif self._sender is None:
            self._refuse("503 5.5.1 MAIL first")
        elif len(self._recipients) >= self._limits.recipients:
            self._refuse("452 4.5.3 too many recipients")
        elif self._answer(await self._asked(self._service.recipient(self._peer, self._sender, path.address))):
            self._recipients.append(path.address)
            self._idle = 0

    def _answer(self, reply: str) -> bool:
        """Say what the service said; a refusal counts as a mistake, a temporary one does not."""
        if reply.startswith("5"):
            self._refuse(reply)
            return False
        self._say(reply)
        return not reply.startswith("4")

    async def _asked(self, question: Awaitable[str]) -> str:
        """Return the service's reply; what it raises becomes 451."""
        try:
            return await question
        except Exception:  # noqa: BLE001 whatever it was, the client must hear of it and the session go on
            _LOG.exception("smtpd.failed", client=self._peer.address)
            return _TRY_LATER

    async def _data(self, rest: str) -> None:
        if rest.strip():
            self._refuse("501 5.5.4 DATA takes nothing")
            return
        if not self._recipients or self._sender is None:
            self._refuse("503 5.5.1 RCPT first")
            return
        self._say("354 end with <CRLF>.<CRLF>")
        reader = ContentReader(self._wire, self._limits, self._budget)
        self.busy = True
        try:
            content = await reader.read(self._session_end)
            self._wire.send()  # what was pipelined together with its content is answered before that is dealt with
            if content.refusal:
                envelope = self._sender, tuple(self._recipients)
                reply = await self._asked(self._service.refused(self._peer, *envelope, content.refusal))
            else:
                cut = content.size > (self._limits.kept_bytes or content.size)
                mail = Mail(self._sender, tuple(self._recipients), content.raw, content.size, self._utf8, cut)
                reply = await self._asked(self._service.message(self._peer, mail))
        finally:
            reader.close()
            self.busy = False
        self._reset()
        self._idle = 0
        self._answer(reply)

    async def _rset(self, _: str) -> None:
        self._reset()
        self._say("250 2.0.0 OK")

    async def _noop(self, _: str) -> None:
        self._say("250 2.0.0 OK")

    async def _vrfy(self, _: str) -> None:
        self._say("252 2.5.0 try to send it")

    async def _quit(self, _: str) -> None:
        raise _End("221 2.0.0 Bye")

    async def _starttls(self, rest: str) -> None:
        if self._tls is None or self._peer.encrypted:
            self._refuse("503 5.5.1 not offered")
            return
        if rest.strip():
            self._refuse("501 5.5.4 STARTTLS takes nothing")
            return
        if self._wire.input:  # commands that would be taken for encrypted ones
            raise _End("521 5.5.1 nothing may follow STARTTLS")
        self._say("220 2.0.0 go ahead")
        self._wire.send()
        seconds = min(self._limits.handshake_seconds, self._session_end - asyncio.get_running_loop().time())
        await self._wire.start_tls(self._tls, max(seconds, 0.1))
        self._reset()
        self._peer = Peer(self._wire.address, encrypted=True)  # what was said in the clear is forgotten (RFC 3207, 4.2)

    async def _auth(self, rest: str) -> None:
        mechanism, _, initial = rest.strip().partition(" ")
        mechanism = mechanism.upper()
        if not self._service.offers_login(self._peer) or not self._peer.name:
            self._refuse("503 5.5.1 not offered")
        elif self._peer.identity is not None or self._sender is not None:
            self._refuse("503 5.5.1 not now")
        elif mechanism not in {"PLAIN", "LOGIN"}:
            self._refuse("504 5.5.4 unknown mechanism")
        else:
            await self._exchange(mechanism, initial.strip())

    async def _exchange(self, mechanism: str, initial: str) -> None:
        try:
            if mechanism == "PLAIN":
                username, password = login.plain(initial or await self._response(""))
            else:
                username = login.word(initial or await self._response("VXNlcm5hbWU6"))
                password = login.word(await self._response("UGFzc3dvcmQ6"))
        except login.Malformed:
            self._refuse("501 5.5.2 malformed response")
            return
        reply = await self._asked(self._service.login(self._peer, username, password))
        self._idle = 0
        self._answer(reply)

    async def _response(self, challenge: str) -> str:
        """Return what the client answers to a challenge.

        Raises:
            login.Malformed: It gives up, or answers too much.
        """
        self._say(f"334 {challenge}")
        line = await self._line(login.MAX_LINE)
        if line is None or line == "*":
            raise login.Malformed
        return line
