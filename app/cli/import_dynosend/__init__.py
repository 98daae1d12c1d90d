"""`trireme import dynosend`: audiences, fields, contacts and blacklist of a server that speaks Dynosend v2.

    command     options, summary, exit status
    importing   what is read into an account here
    server      the source: asks, waits, and never faster than it may

Source: docs/contract/dynosend.md; docs/migrate/dynosend.md.
"""
