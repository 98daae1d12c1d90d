"""Mail that is handed to us by SMTP: one listener, and what it is used for.

    server, session, wire, commands, content, login, limits, pace   the protocol; know nothing of mail's meaning
    service                                                         what a use of the listener has to decide
    intake/                                                         reports, complaints, unsubscriptions that come back

May import `app.core`, `app.db`, `app.mail`, `app.telemetry`, `app.settings`, `app.kit`; not the other edges.
"""
