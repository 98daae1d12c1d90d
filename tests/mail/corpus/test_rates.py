"""The corpus is read as it is labelled."""

import pytest

from tests.mail.corpus.rates import rate
from tests.mail.corpus.samples import samples

ENOUGH = 0.98


@pytest.mark.parametrize("part", ["known", "unseen"])
def test_at_least_98_of_100_samples_are_read_as_they_are_labelled(part: str) -> None:
    result = rate(part)
    assert result.share >= ENOUGH, [(sample.group, sample.reply, was) for sample, was in result.wrong]


def test_the_corpus_is_large_and_its_parts_share_little() -> None:
    known, unseen = list(samples("known")), list(samples("unseen"))
    assert len(known) + len(unseen) >= 500
    assert len(unseen) >= 200
    assert len({one.raw for one in known + unseen}) == len(known) + len(unseen)
    shared = {one.reply for one in known} & {one.reply for one in unseen}
    assert len(shared) <= len(unseen) * 0.1, shared
