"""The programs that come by themselves are known; readers and the proxies of their mail programs are none of them."""

import pytest

from app.core.tracking import is_machine
from app.core.tracking.machines import Agent, agents

READERS = [
    "",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)",
    "Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 10.0; Win64; x64; Trident/7.0; Microsoft Outlook 16.0.4266)",
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Thunderbird/128.5.0",
    " Mozilla/5.0 ",
]


@pytest.mark.parametrize("agent", agents(), ids=lambda agent: agent.name)
def test_each_known_program_is_found_by_its_example(agent: Agent) -> None:
    assert bool(agent.equals) != bool(agent.contains)
    assert (agent.equals or agent.contains).lower() in agent.example.lower()
    assert is_machine(agent.example) is not agent.is_proxy
    assert is_machine(agent.example.upper()) is not agent.is_proxy


@pytest.mark.parametrize("user_agent", READERS)
def test_readers_are_no_machines(user_agent: str) -> None:
    assert not is_machine(user_agent)


def test_names_are_given_once() -> None:
    assert len({agent.name for agent in agents()}) == len(agents())
