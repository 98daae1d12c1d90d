"""Bringing along what Dyn Email Delivery kept: `trireme import dyn`.

    command    the command: options, progress, summary, exit status
    importing  what comes in which order, and where it goes
    accounts   accounts, keys, X-header names, senders and suppressions, through the core's verbs
    history    items of reports to events; which copy an item is about
    state      how far an import is, and the copies it has seen: a file that outlives a kill
    source     what both sources have in common
    folder     source: CSV files
    server     source: a server that speaks the classic API
    reading    texts of records to values

What it does and what it can't: docs/migrate/dyn.md.
"""
