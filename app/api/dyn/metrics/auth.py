"""The credential of a request to Dyn Metrics and the account behind it.

May import FastAPI, `app.dependencies` and the credentials of the classic API.

Source: docs/contract/dyn-metrics.md, section 1.
"""

from typing import Annotated

from fastapi import Depends
from starlette.requests import Request

from app.api.dyn.auth import caller_of, header_key
from app.api.dyn.params import Params, query_params
from app.core.accounts import Caller, Scope
from app.dependencies import RuntimeDep


async def _query(request: Request) -> Params:
    return query_params(request)


QueryDep = Annotated[Params, Depends(_query)]
"""The parameters of the query string; a body is never read."""


async def _reader(request: Request, runtime: RuntimeDep, params: QueryDep) -> Caller:
    return await caller_of(runtime, header_key(request) or params.text("apikey"), Scope.READ)


Reader = Annotated[Caller, Depends(_reader)]
"""The account that asks: the key in the header, else the parameter `apikey`."""
