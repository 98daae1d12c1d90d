"""Requests that are repeated have their effect once: the first answer is kept and given again.

    claim   take a key for this transaction, or learn what became of it
    keep    note the answer, in the same transaction as the effect
    forget  delete answers that are too old

Owns the table `idempotency_keys`. Imports models, db and kit.

Source: docs/contract/native.md, 1, "Idempotency".
"""

from app.core.idempotency.service import KEPT_HOURS, MAX_KEY_LENGTH, Answer, Claim, Standing, claim, forget, keep

__all__ = ["KEPT_HOURS", "MAX_KEY_LENGTH", "Answer", "Claim", "Standing", "claim", "forget", "keep"]
