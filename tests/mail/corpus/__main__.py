"""`python -m tests.mail.corpus [known|unseen]`: how much of the corpus is read as it is labelled."""

import sys

from tests.mail.corpus.rates import rate


def main() -> None:
    """Print the rate of each part, and every sample that is read otherwise."""
    for part in sys.argv[1:] or ["known", "unseen"]:
        result = rate(part)
        right = result.total - len(result.wrong)
        print(f"{part}: {right} of {result.total} samples ({result.replies} different texts) = {result.share:.2%}")  # noqa: T201
        for sample, was in result.wrong:
            print(f"  {sample.group}: {sample.reply!r}\n    is {' '.join(sample.label)}, was read as {' '.join(was)}")  # noqa: T201


if __name__ == "__main__":
    main()
