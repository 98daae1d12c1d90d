"""The content of a seeded campaign: about 20 kB of HTML with five tags and ten links. Imports nothing."""

SIZE = 20_000
"""Characters of the HTML."""
LINKS = 10

SUBJECT = "{{ FIRST_NAME }}, the news of the month"

_HEAD = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>News</title></head>
<body style="margin:0;font-family:sans-serif">
<h1>Hello {{ FIRST_NAME | default: "friend" }} {{ LAST_NAME }}</h1>
<p>Is {{ CITY }} still your town, and {{ PLAN_NAME }} your plan?</p>
<p>{{ VIP | default: "no" }}</p>
"""
_PARAGRAPH = (
    '<p style="color:#333;line-height:1.5">Our ships go by three rows of oars, one above the other, and keep their'
    " pace in calm and storm alike; whoever rows on the uppermost bench sees the harbour first.</p>\n"
)
_TAIL = (
    '<p><a href="{WEB_VIEW_URL}">Read it in the browser</a> <a href="{UPDATE_PROFILE_URL}">Change your data</a>'
    ' <a href="{UNSUBSCRIBE_URL}">Unsubscribe</a></p>\n</body></html>\n'
)


def _body() -> str:
    links = [
        f'<p><a href="https://shop.example/offers/{number}?from=news">Offer {number}</a></p>\n'
        for number in range(LINKS)
    ]
    room = SIZE - len(_HEAD) - len(_TAIL) - sum(map(len, links))
    paragraphs = [_PARAGRAPH] * (room // len(_PARAGRAPH))
    step = len(paragraphs) // LINKS
    for number, link in enumerate(links):
        paragraphs.insert(number * (step + 1), link)
    return _HEAD + "".join(paragraphs) + _TAIL


HTML = _body()
