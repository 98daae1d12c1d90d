"""Pages: one template each, one style sheet inside, no script, nothing loaded from elsewhere.

Every page says that it must not be stored, framed, searched, or told of by Referer: its address is a credential.
Imports `app.web.texts` and Jinja2.
"""

import base64
import hashlib
from collections.abc import Mapping
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from app.web.texts import Texts, texts_for

STYLE = files("app.web").joinpath("html", "style.css").read_text(encoding="utf-8")
"""The style sheet, inside each page."""
_STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
PRIVATE: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex, nofollow",
}
"""Headers of every answer to a link of a mail."""
SAFE: Mapping[str, str] = {
    **PRIVATE,
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
}
"""Headers of our own pages."""
_ENVIRONMENT = Environment(
    loader=PackageLoader("app.web", "html"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def language_of(request: Request) -> Texts:
    """Return the sentences in the visitor's language."""
    return texts_for(request.headers.get("accept-language", ""))


def page(
    request: Request, name: str, *, status: int = 200, headers: Mapping[str, str] | None = None, **values: object
) -> HTMLResponse:
    """Return a page.

    Args:
        request: Whose language it is in.
        name: Of `html/<name>.html`.
        status: HTTP status.
        headers: Further headers.
        values: What the template names; escaped there.
    """
    texts = language_of(request)
    body = _ENVIRONMENT.get_template(f"{name}.html").render(
        say=texts.say, language=texts.language, style=STYLE, **values
    )
    return HTMLResponse(body, status, {**SAFE, "Content-Language": texts.language, **(headers or {})})


def masked(address: str) -> str:
    """Return an address as only its owner knows it again: `j…@example.org`."""
    local, at, domain = address.rpartition("@")
    return f"{local[:1]}…{at}{domain}"
