"""E-mail as bytes and protocol: addresses, composing, signing, classifying, and SMTP below `smtp`.

Nothing here knows the database, the settings or a framework; it may import the standard library, `aiosmtplib`,
`dns`, `cryptography`, `idna` and `app.kit`.
"""
