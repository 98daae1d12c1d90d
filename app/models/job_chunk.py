"""Files of jobs, in pieces. Written by `app.core.transfers`."""

from enum import StrEnum

from sqlalchemy import BigInteger, ForeignKey, Integer
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base


class ChunkKind(StrEnum):
    """Which file a piece is of."""

    FILE = "file"
    RESULT = "result"
    ERRORS = "errors"


class JobChunk(Base):
    """A piece of a file, at most 1 MB: the hosts of an installation share nothing but the database."""

    __tablename__ = "job_chunks"

    job_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("jobs.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(Integer, primary_key=True)
    """From 0; pieces of an uploaded file are full but for the last."""
    data: Mapped[bytes]
