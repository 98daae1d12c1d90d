"""Whatever comes in: never anything but the image or a page that says no."""

import httpx2
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.web.tracking import GIF
from tests.web.conftest import Stage

TOKENS = st.one_of(
    st.text(max_size=40),
    st.text("abcdefghijklmnopqrstuvwxyz234567", min_size=24, max_size=24),
    st.text("abcdefghijklmnopqrstuvwxyz234567", min_size=28, max_size=28),
    st.binary(max_size=40).map(lambda raw: "".join(f"%{octet:02x}" for octet in raw)),
)
BODIES = st.one_of(st.just(b"List-Unsubscribe=One-Click"), st.binary(max_size=200))
TYPES = st.one_of(
    st.sampled_from(
        ["", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "multipart/form-data"]
    ),
    st.text("abc/;=\"' \\", max_size=30),
)


async def test_random_requests_give_the_image_or_no(client: httpx2.AsyncClient, stage: Stage) -> None:
    @settings(max_examples=150, suppress_health_check=list(HealthCheck))
    @given(
        st.sampled_from(["t/o", "t/c", "u", "w", "p", "c"]),
        TOKENS,
        st.sampled_from(["GET", "HEAD", "POST"]),
        BODIES,
        TYPES,
    )
    def ask(place: str, token: str, method: str, body: bytes, content_type: str) -> None:
        asked.append((place, token, method, body, content_type))

    asked: list[tuple[str, str, str, bytes, str]] = []
    ask()
    for place, token, method, body, content_type in asked:
        path = httpx2.URL("http://mail.example.com/").copy_with(
            raw_path=f"/{place}/".encode() + _escaped(token) + (b".gif" if place == "t/o" else b"")
        )
        answer = await client.request(method, path, content=body, headers={"Content-Type": content_type})
        if answer.status_code == 200:
            assert place == "t/o"
            assert answer.content == (GIF if method == "GET" else b"")
        else:
            assert answer.status_code in {400, 404, 405}, (place, token, method)
    assert await stage.traces() == 0


def _escaped(token: str) -> bytes:
    raw = token.encode("utf-8", "surrogatepass")
    kept = b"abcdefghijklmnopqrstuvwxyz234567%"
    return b"".join(bytes([octet]) if octet in kept else b"%%%02x" % octet for octet in raw)
