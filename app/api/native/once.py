"""`Idempotency-Key`: a repeated request has its effect once, and gets the first one's answer.

    run     the endpoint, between taking the key and noting the answer
    begin   called where the scope of the key has been checked: takes the key in the request's own transaction

The answer is noted through the session in which the endpoint works, before it commits: both are there, or neither.
The effect stands in a savepoint, so that a refusal can be noted after its effect was undone.

Source: docs/contract/native.md, 1, "Idempotency".
"""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from app.api.native import problems
from app.api.native.refusals import KeyInProgress, KeyUsed, ScopeMissing
from app.core import idempotency
from app.core.accounts import Caller
from app.core.errors import CoreError
from app.core.idempotency import Answer, Claim, Standing
from app.db.unit_of_work import Attempt, WriteSession
from app.dependencies import Runtime

HEADER = "idempotency-key"
REPLAYED = "Idempotency-Replayed"
_KEPT_HEADERS = ("content-type", "location")
_NOT_KEPT = frozenset({401, 408, 429})
_SERVER_ERROR = 500


class _Replayed(Exception):
    """Raised to leave an endpoint that has nothing to do: the answer is there."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer


@dataclass(slots=True)
class _Once:
    """A request with a key, on its way.

    Attributes:
        key: Of the header.
        digest: Of the request.
        held: What `begin` has taken; None before.
    """

    key: str
    digest: bytes
    held: "_Held | None" = None


@dataclass(frozen=True, slots=True)
class _Held:
    """A key that this request's transaction holds."""

    claim: Claim
    session: WriteSession
    effect: Attempt
    runtime: Runtime

    async def keep(self, response: Response) -> None:
        """Note the answer, if it is one that can be given again."""
        body = getattr(response, "body", None)
        if body is None:  # a stream; no endpoint that changes something answers with one
            return
        headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
        answer = Answer(response.status_code, headers, bytes(body).decode())
        await idempotency.keep(self.session, self.runtime.vault, self.claim, answer)


async def run(request: Request, endpoint: Callable[[Request], Awaitable[Response]]) -> Response:
    """Answer a request that carries the header.

    Raises:
        HTTPException: 400, the key can be none; or what the endpoint raises, as the next two.
        CoreError: What the endpoint raises and what is not kept.
        RequestValidationError: Likewise.
    """
    key = request.headers[HEADER]
    if not 1 <= len(key) <= idempotency.MAX_KEY_LENGTH or not key.isprintable():
        raise HTTPException(400, "Idempotency-Key has 1 to 255 characters")
    once = request.state.once = _Once(key, await _digest(request))
    try:
        response = await endpoint(request)
    except _Replayed as replayed:
        answer = replayed.answer
        return Response(answer.body.encode(), answer.status, {**answer.headers, REPLAYED: "true"})
    except (CoreError, HTTPException, RequestValidationError) as error:
        response = problems.render(request, error)
        if once.held is None or isinstance(error, ScopeMissing) or not _can_be_kept(response):
            raise
        await once.held.effect.undo()
        await once.held.keep(response)
        return response
    if once.held is not None and response.status_code < _SERVER_ERROR:
        await once.held.effect.stand()
        await once.held.keep(response)
    return response


async def begin(request: Request, runtime: Runtime, session: WriteSession, caller: Caller) -> None:
    """Take the key of a request, if it carries one, in the transaction that will have the effect.

    Raises:
        KeyInProgress: The first request with this key is not finished.
        KeyUsed: The key was used for another request.
        _Replayed: There is an answer; `run` gives it again.
    """
    once: _Once | None = getattr(request.state, "once", None)
    if once is None or once.held is not None:
        return
    claim = Claim(caller.account_id, once.key, once.digest)
    found = await idempotency.claim(session, runtime.vault, claim)
    match found:
        case Answer():
            raise _Replayed(found)
        case Standing.BUSY:
            raise KeyInProgress("the first request with this Idempotency-Key is not finished")
        case Standing.OTHER:
            raise KeyUsed("this Idempotency-Key was used for another request")
        case _:
            once.held = _Held(claim, session, await session.attempt(), runtime)


def _can_be_kept(response: Response) -> bool:
    return response.status_code < _SERVER_ERROR and response.status_code not in _NOT_KEPT


async def _digest(request: Request) -> bytes:
    """Return what tells a request from another: verb, URL, body; of an upload its size, for its body is a stream."""
    scope = request.scope
    hashed = hashlib.sha256(f"{scope['method']}\0{scope['path']}\0".encode("utf-8", "surrogateescape"))
    hashed.update(scope.get("query_string", b"") + b"\0")
    if is_json(request.headers.get("content-type", "application/json")):
        hashed.update(await request.body())
    else:
        hashed.update(request.headers.get("content-length", "").encode())
    return hashed.digest()


def is_json(media_type: str) -> bool:
    """Tell whether a `Content-Type` is that of the bodies of this API: JSON, or a merge patch of it."""
    kind = media_type.partition(";")[0].strip().lower()
    return kind in {"application/json", "application/merge-patch+json"}
