"""Files that are sent: spooled while they come, never whole in memory. Source: docs/contract/native.md, 7.

The key is looked at first and the session opened last, so that no transaction waits for a slow sender. An
`Idempotency-Key` holds for the file and its options, however the request was cut into parts.
"""

import asyncio
import hashlib
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated, Any, BinaryIO

from fastapi import Depends, HTTPException
from fastapi.exceptions import RequestValidationError
from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header
from starlette.requests import Request

from app.api.native.auth import credentials_of
from app.api.native.refusals import ScopeMissing
from app.core import transfers
from app.dependencies import RuntimeDep
from app.models.api_key import Scope

BODY_BYTES = transfers.MAX_FILE + (1 << 20)
"""Largest body: the file, and what is around it."""
MAX_OPTIONS = 1 << 18
"""Octets of the options."""
MAX_PARTS = 10
SECONDS = 900.0
"""Longest time an upload may take."""
_BLOCK = 1 << 20
SCHEMA: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {"type": "string", "format": "binary", "description": "CSV, at most 200 MB."},
                        "options": {"type": "string", "description": "A JSON object."},
                    },
                }
            }
        },
    }
}
"""What the description says of such a body."""


@dataclass(slots=True)
class Upload:
    """What was sent.

    Attributes:
        file: At its beginning.
        options: JSON; "{}" when there are none.
        rows: Of the file behind its first, when no value can hold a line end; else None.
        size: Octets of the file.
    """

    file: BinaryIO
    options: bytes = b"{}"
    rows: int | None = None
    size: int = 0


class _Spool:
    """Parts as they come: the file to disk, the options to memory."""

    def __init__(self, file: BinaryIO) -> None:
        self.upload = Upload(file)
        self.digest = hashlib.sha256()
        self.has_file = False
        self._name = ""
        self._options = bytearray()
        self._block = bytearray()
        self._lines, self._quotes, self._last = 0, False, b""

    async def take(self, part: MultipartSegment | bytes | bytearray | None) -> None:
        """Take what the parser gives.

        Raises:
            HTTPException: 413, too large.
        """
        if isinstance(part, MultipartSegment):
            self._name = part.name
            self.has_file = self.has_file or part.name == "file"
        elif part and self._name == "file":
            self._block += part
            if len(self._block) >= _BLOCK:
                await self.flush()
        elif part and self._name == "options":
            self._options += part
            if len(self._options) > MAX_OPTIONS:
                raise HTTPException(413)

    async def flush(self) -> None:
        """Write what has gathered.

        Raises:
            HTTPException: 413, too large.
        """
        block, self._block = bytes(self._block), bytearray()
        self.upload.size += len(block)
        if self.upload.size > transfers.MAX_FILE:
            raise HTTPException(413)
        if block:
            await asyncio.to_thread(self._write, block)

    def _write(self, block: bytes) -> None:
        self.digest.update(block)
        self.upload.file.write(block)
        self._lines += block.count(b"\n")
        self._quotes = self._quotes or b'"' in block
        self._last = block[-1:]

    async def end(self) -> Upload:
        """Return what came."""
        await self.flush()
        self.upload.options = bytes(self._options) or b"{}"
        if not self._quotes:
            self.upload.rows = max(self._lines - 1 + (self._last not in {b"\n", b""}), 0)
        self.digest.update(b"\0" + self.upload.options)
        self.upload.file.seek(0)
        return self.upload


async def _received(request: Request, runtime: RuntimeDep) -> AsyncIterator[Upload]:
    """Receive a file.

    Raises:
        HTTPException: 400, 408, 413 or 415.
        RequestValidationError: There is no part `file`.
        ScopeMissing: The key may not write.
    """
    found = await credentials_of(request, runtime)
    if not found.own.may(Scope.WRITE):
        raise ScopeMissing(f"the key needs the scope {Scope.WRITE.value}")
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if kind != "multipart/form-data" or not options.get("boundary"):
        raise HTTPException(415)
    with tempfile.TemporaryFile() as file:
        spool = _Spool(file)
        try:
            async with asyncio.timeout(SECONDS):
                await _spool(request, options["boundary"], spool)
        except TimeoutError:
            raise HTTPException(408) from None
        except (MultipartError, UnicodeError) as error:
            raise HTTPException(400, "the body is not multipart/form-data") from error
        upload = await spool.end()
        if not spool.has_file:
            raise RequestValidationError([{"type": "missing", "loc": ("body", "file"), "msg": "is required"}])
        once = getattr(request.state, "once", None)
        if once is not None:
            head = f"{request.method}\0{request.url.path}\0{request.url.query}\0".encode()
            once.digest = hashlib.sha256(head + spool.digest.digest()).digest()
        yield upload


async def _spool(request: Request, boundary: str, spool: _Spool) -> None:
    parser = PushMultipartParser(boundary, max_segment_count=MAX_PARTS, max_header_size=8192)
    async for block in request.stream():
        for part in parser.parse(block) if block else ():
            await spool.take(part)
    parser.close()


Received = Annotated[Upload, Depends(_received)]
"""The file of the request. It comes before `Writer` among the parameters."""
