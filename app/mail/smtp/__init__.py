"""SMTP as a client: routes, sessions, pools. Only `app.delivery` talks to it.

`outcome` says what came of one message, `routes` where it goes, `pool` keeps warm sessions per route, `connection` is
one session. Below those: `opening` (aiosmtplib: connect, EHLO, STARTTLS, AUTH), `pipelined` and `sequential` (the
transaction), `envelope` (MAIL and RCPT), `replies` (what servers say).
"""
