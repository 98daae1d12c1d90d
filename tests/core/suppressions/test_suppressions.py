from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import suppressions
from app.core.suppressions import Reason
from app.db.unit_of_work import unit_of_work
from tests.factories import Factories


async def test_the_first_reason_stays_but_any_other_replaces_an_unsubscribe(
    make: Factories, engine: AsyncEngine
) -> None:
    made, other = await make.account(), await make.account()
    addresses = [" Jo@Example.org", "jo@example.org", "ann@example.org"]
    async with unit_of_work(engine) as write:
        add, reasons = suppressions.add, suppressions.reasons
        assert await add(write, made.id, addresses, Reason.UNSUBSCRIBE) == 2
        assert await add(write, made.id, addresses[:1], Reason.UNSUBSCRIBE) == 0
        assert await add(write, made.id, addresses[:1], Reason.HARDBOUNCE, detail="550 no", source_message_id=7) == 1
        assert await add(write, made.id, addresses[:1], Reason.MANUAL) == 0
        assert await add(write, made.id, [], Reason.MANUAL) == 0
        asked = ["JO@example.org ", "ann@example.org", "none@example.org"]
        assert await reasons(write, made.id, asked) == {
            "jo@example.org": Reason.HARDBOUNCE,
            "ann@example.org": Reason.UNSUBSCRIBE,
        }
        assert await reasons(write, other.id, asked) == {}
