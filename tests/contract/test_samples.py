"""Every key that the source documents' samples show is there, with its type, at its place and in its order.

More keys are no departure (docs/contract/departures.md).
"""

from urllib.parse import urlencode

import pytest

from app.core.audiences import CONTACT_INFORMATION
from tests.contract import dynosend
from tests.contract.asking import FORM
from tests.contract.runner import parse, type_name
from tests.contract.samples import SAMPLES, Sample
from tests.contract.stage import Scene, Stage
from tests.contract.wire import Answer

ALL = 36
NULLABLE = {
    "default_subject",
    "from_email",
    "from_name",
    "ip_address",
    "delivered_at",
    "subject",
    "reply_to",
    *CONTACT_INFORMATION,
}
"""Members that may be null, as the contract says of each."""


def shown(sample: object, answer: object, path: str = "$") -> None:
    """Compare what a sample shows with what an answer has.

    Raises:
        AssertionError: Something is missing, of another type, or at another place; it says where.
    """
    if path.endswith(".xheaders"):  # whatever the names; null when there are none
        assert answer is None or type(answer) is dict, path
        return
    if answer is None and path.rpartition(".")[2] in NULLABLE:
        return
    fits = type_name(answer) == type_name(sample) or (type_name(answer), type_name(sample)) == ("integer", "number")
    assert fits, f"{path} is {answer!r}"
    if isinstance(sample, dict) and isinstance(answer, dict):
        if sample and all(name.isdecimal() for name in sample):  # ids
            assert answer, f"{path} is empty"
            assert all(name.isdecimal() for name in answer), f"{path} has {list(answer)}"
            shown(list(sample.values()), list(answer.values()), path)
            return
        order = [name for name in answer if name in sample]
        assert order == list(sample), f"{path} has {list(answer)}"
        for name, value in sample.items():
            shown(value, answer[name], f"{path}.{name}")
    elif isinstance(sample, list) and isinstance(answer, list):
        assert bool(answer) is bool(sample), f"{path} is {answer!r}"
        for number, value in enumerate(answer):
            shown(sample[0], value, f"{path}[{number}]")


async def ask(scene: Scene, sample: Sample) -> Answer:
    key = scene.world.accounts[sample.account].key
    if sample.document == "001":
        given = {name: scene.world.text(value, {}) for name, value in sample.given.items()}
        async with scene.connection() as connection:
            return await dynosend.send(connection, sample.method, sample.path, given, key=key)
    target, headers, parameters = scene.world.text(sample.path, {}), {}, dict(sample.given)
    if target.startswith("/rest/"):
        parameters = {"apikey": key, **parameters}
    else:
        headers["Authorization"] = f"apikey={key}"
    async with scene.connection() as connection:
        if sample.method == "POST":
            headers["Content-Type"] = FORM
            return await connection.ask("POST", target, headers, urlencode(parameters).encode())
        return await connection.ask(sample.method, f"{target}?{urlencode(parameters)}", headers)


async def test_the_samples_of_the_documents(stage: Stage, subtests: pytest.Subtests) -> None:
    scene = await stage.shared("used")
    assert len(SAMPLES) == ALL
    for number, sample in enumerate(SAMPLES):
        with subtests.test(f"{sample.method} {sample.path}", number=number):
            answer = await ask(scene, sample)
            assert answer.status == 200, answer.body
            if sample.literal:
                assert answer.body == sample.text.encode()
            else:
                shown(parse(sample.text.encode()), parse(answer.body))
