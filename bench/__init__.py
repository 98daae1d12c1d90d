"""What the product does in a second, beside its limits measured in the same run: `make bench`, `python -m bench`.

    accept      POST /rest/json/send at 64 connections, beside a bare FastAPI endpoint
    delivery    copies from the queue to a fast SMTP server, beside the SMTP client and the signatures alone
    latency     from a request to the SMTP server, with Valkey and without
    counts      /email/counts over a month, beside the same question to the ledger itself

Nothing is asserted: figures depend on the machine. How to read them, and what they were, is in docs/performance.md.
Uses the product as it is, and the SMTP server and the platform of `tests`.
"""
