"""The route table of the native API: everything below `/api/trireme/v1`."""

from fastapi import APIRouter

from app.api.native import events, sandbox, system

PREFIX = "/api/trireme/v1"
BODY_BYTES = 10 * 1024 * 1024
"""Largest body (docs/contract/native.md, 1)."""

router = APIRouter(prefix=PREFIX, redirect_slashes=False, max_body_size=BODY_BYTES)
router.include_router(system.router)
router.include_router(sandbox.router)
router.include_router(events.router)
