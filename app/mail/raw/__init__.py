"""Mails that come to us whole, by SMTP submission: read once, sent with as little changed as can be.

    head       the header section: its fields in order, values, what is added and left out
    structure  where the body parts are
    parts      a part's text, and a part in another transfer encoding
    mail       a whole mail, checked
    compiled   what all copies share, and its copies

Header fields and parts stay as they are and where they are. Changed is what has to be: the fields that are ours, raw
8-bit text (a mail is signed, so nobody on its way may have to convert it: RFC 6376, 5.3), lines over 998 octets, and
the HTML parts of mail that is tracked.

May import the rest of `app.mail` and the standard library.

Source: docs/contract/dyn-email.md, sections 7 and 12 to 14; RFC 5322; RFC 2045 to 2047; RFC 6409.
"""

from app.mail.raw.compiled import CompiledRaw, Names, compile_raw, compile_raw_tracked
from app.mail.raw.head import Field, Malformed
from app.mail.raw.mail import RawMail, read_mail

__all__ = ["CompiledRaw", "Field", "Malformed", "Names", "RawMail", "compile_raw", "compile_raw_tracked", "read_mail"]
