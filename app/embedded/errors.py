"""What can go wrong with the embedded servers. Imports nothing of ours."""


class EmbeddedError(Exception):
    """A server cannot be found, prepared or started; the text says what to do about it."""


class BinariesMissing(EmbeddedError):
    """No server binary was found anywhere."""
