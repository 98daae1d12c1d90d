"""SMTP as a client: routes, sessions, pools. Only `app.delivery` talks to it.

`outcome` says what came of one message, `routes` where it goes, `pool` keeps warm sessions per route, which pull their
messages from a source; `opener` chooses the host, `connection` makes one session, `session` is what the two ask of each
other. Below those: `opening` (aiosmtplib: connect, EHLO, STARTTLS, AUTH), `pipelined` on its `wire` and `sequential`
(the transaction), `envelope` (MAIL and RCPT), `replies` (what servers say).
"""
