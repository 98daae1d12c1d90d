"""Trireme: three mirrored e-mail APIs on one ledger and one sending engine.

The tree, from the edge inwards:

    cli         what an operator types; starts everything else
    main        assembly of the web application
    api         the foreign APIs and our own: translation only, one folder per family
    web         what recipients see: pixel and links, unsubscribing, web view, profile
    delivery    queue -> SMTP
    smtpd       SMTP -> ledger: reports that come back, mail that is handed in
    core        what the platform does, one package per noun; no wire, no queue, no sockets
    models      the schema, one table a file
    mail        e-mail as bytes and protocol: no database, no settings
    outbound    calls to customers' URLs, every address checked
    db, queue, valkey, telemetry, embedded    infrastructure
    settings, kit                             the floor

`docs/design.md` has the import directions and the reasons.
"""

__version__ = "0.1.0"
