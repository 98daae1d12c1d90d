"""How many samples are read as they are labelled."""

from dataclasses import dataclass

from app.mail.inbound import Action, AutomaticReply, DeliveryReport, FeedbackReport, failure_of, read
from tests.mail.corpus.samples import RECIPIENT, Sample, samples


@dataclass(frozen=True, slots=True)
class Rate:
    """The result for one part of the corpus."""

    total: int
    replies: int
    """Different texts among them."""
    wrong: list[tuple[Sample, tuple[str, ...]]]

    @property
    def share(self) -> float:
        return 1 - len(self.wrong) / self.total


def rate(part: str) -> Rate:
    """Read every sample of a part."""
    every = list(samples(part))
    judged = [(sample, told(sample.raw, sample.sender)) for sample in every]
    return Rate(len(every), len({one.reply for one in every}), [(one, was) for one, was in judged if was != one.label])


def told(raw: bytes, sender: str | None) -> tuple[str, ...]:
    """Return what a message is read as, in the words of the labels."""
    match read(raw, sender=sender):
        case DeliveryReport() as report:
            failure = failure_of(report, RECIPIENT)
            if failure is not None:
                return failure.verdict.category, failure.verdict.bounce_type, failure.verdict.code
            return "none", next((one.action.value for one in report.recipients if one.action is not Action.FAILED), "?")
        case FeedbackReport(is_complaint=complaint):
            return "none", "complaint" if complaint else "feedback"
        case AutomaticReply():
            return "none", "reply"
        case _:
            return "none", "nothing"
