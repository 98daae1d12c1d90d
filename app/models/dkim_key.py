"""DKIM key pairs. Written by `app.core.senders`."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Identity, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base


class DkimKey(Base):
    """One key pair of an account for a domain and selector (RFC 6376), shared by its senders of that domain."""

    __tablename__ = "dkim_keys"
    __table_args__ = (UniqueConstraint("account_id", "domain", "selector"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    account_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("accounts.id"))
    domain: Mapped[str]
    selector: Mapped[str]
    algorithm: Mapped[str]
    """`rsa` or `ed25519`, as in the record's k= tag."""
    private_sealed: Mapped[bytes]
    """The private key as PEM, encrypted under the secret keys."""
    public: Mapped[str]
    """The record's p= value."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
