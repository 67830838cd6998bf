"""Files as rows: each content once, and the uploads that brought it."""

from __future__ import annotations

import datetime

from sqlalchemy import BigInteger, ForeignKey, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from app.engine.adapters.database import Identifier, Model, UtcDateTime

FOLDER = "files"
"""Of the store: where contents are kept."""

LONGEST_NAME = 255


class StoredFile(Model):
    """A content that is kept, whoever brought it and whatever they called it."""

    __tablename__ = "stored_file"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=True)
    sha256: Mapped[str] = mapped_column(String(64), unique=True)
    size: Mapped[int] = mapped_column(BigInteger)
    media_type: Mapped[str] = mapped_column(String(100))
    """As found in the content; see `app.engine.files.kinds`."""
    created_at: Mapped[datetime.datetime] = mapped_column(UtcDateTime, index=True)

    @property
    def path(self) -> str:
        """Where in the store it is."""
        return path_of(self.sha256)


class FileUpload(Model):
    """A file that somebody is sending, or has sent: for a while they may file it in a record."""

    __tablename__ = "file_upload"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(Identifier, primary_key=True, autoincrement=True)
    token: Mapped[str] = mapped_column(String(32), unique=True)
    user_id: Mapped[int | None] = mapped_column(Integer, index=True)
    """None: the system, in a job of its own."""
    name: Mapped[str] = mapped_column(String(LONGEST_NAME))
    size: Mapped[int] = mapped_column(BigInteger)
    arrived: Mapped[int] = mapped_column(BigInteger, default=0)
    """So many bytes, from the first on."""
    created_at: Mapped[datetime.datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime.datetime] = mapped_column(UtcDateTime, index=True)
    claimed_at: Mapped[datetime.datetime | None] = mapped_column(UtcDateTime)
    """Since when somebody puts the parts together."""
    stored_file_id: Mapped[int | None] = mapped_column(ForeignKey("stored_file.id"), index=True)


class UploadPart(Model):
    """A part of an upload, as the store keeps it until all have come."""

    __tablename__ = "upload_part"

    upload_id: Mapped[int] = mapped_column(
        ForeignKey("file_upload.id", ondelete="CASCADE"), primary_key=True
    )
    begins_at: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    size: Mapped[int] = mapped_column(BigInteger)
    path: Mapped[str] = mapped_column(String(120))


def path_of(sha256: str) -> str:
    """Where in the store a content is."""
    return f"{FOLDER}/{sha256[:2]}/{sha256[2:4]}/{sha256}"
