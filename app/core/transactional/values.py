"""What the verbs on messages take. Pure; imports typing alone."""

from typing import TypedDict


class Fields(TypedDict, total=False):
    """What can be set on a message besides what it must have; what is absent stays as it is (or gets its default).

    `status` is active or inactive, `content` internal or external; `reply_to` "" means none.
    """

    status: str
    from_name: str
    reply_to: str
    content: str
    html: str
    text: str
    track_opens: bool
    track_clicks: bool


class Changes(Fields, total=False):
    """Everything of a message that can be changed; `audience_id` is the integer."""

    name: str
    audience_id: int
    from_email: str
    subject: str
