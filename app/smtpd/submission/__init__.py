"""SMTP submission: mail that programs hand over by SMTP, accepted as mail of `/send` is.

    process    the listener with what stands behind it, until a signal
    desk       what is decided over sessions and mails
    letters    a mail and its envelope as a draft, or why not
    attempts   failed logins of one client

Source: docs/contract/dyn-email.md, section 7; RFC 6409, RFC 4954.
"""
