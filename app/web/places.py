"""Where people go after a page: an audience's own URLs. Imports core front doors and `app.mail`'s URL check."""

from app.core import audiences
from app.core.errors import NotFound
from app.db.unit_of_work import ReadSession
from app.mail.campaign.links import is_url


async def redirect_url(read: ReadSession, account_id: int, audience_id: int | None, setting: str) -> str | None:
    """Return a URL that an audience is set to; None without one, or when it is no http or https URL.

    Args:
        read: The transaction.
        account_id: Whose.
        audience_id: Which; None: no audience.
        setting: Name among the audience's settings (docs/contract/native.md, 5).
    """
    if audience_id is None:
        return None
    try:
        settings = (await audiences.get(read, account_id, audience_id)).settings
    except NotFound:
        return None
    url = settings.get(setting)
    # It becomes a header: ASCII without blanks and controls, whatever was stored.
    return url if isinstance(url, str) and url.isascii() and is_url(url) else None
