"""What people see: the links and pages of a mail's recipient. Imports core front doors, `app.mail`'s pure parts, kit.

/t/o/{token}.gif  /t/c/{token}    tracking        the pixel, a click
/u/{token}                        unsubscribe     page, button, one click (RFC 8058)
/w/{token}                        web_view        the mail as a page
/p/{token}                        profile         the contact's fields as a form
/c/{token}                        confirm         double opt-in
/s/{token}                        sender          the owner of a From address confirms it

site       all of it as one application, the two hot ones past the framework
pages      the answers: HTML by `html/*.html`, and the headers that keep it safe
texts      every sentence, by language
errors     errors as pages
forms      what a form sent, bounded
visitors   who asks: address, program, language; the keys of the tokens
"""
