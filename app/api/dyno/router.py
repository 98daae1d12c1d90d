"""Dyno Email Marketing: its route table. Source: docs/contract/dyno.md.

It is empty until the first of its endpoints is there; what is not in it is answered by `errors.UNKNOWN_ROUTE`.
"""

from fastapi import APIRouter

router = APIRouter(redirect_slashes=False)
