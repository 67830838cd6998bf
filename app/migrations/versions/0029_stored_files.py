"""files of records: each content once, and the uploads that bring them

Revises: 0028
Created: 2026-11-29
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.engine.adapters import database as types

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the tables to this version."""
    op.create_table(
        "stored_file",
        sa.Column("id", types.Identifier, autoincrement=True, nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("media_type", sa.String(length=100), nullable=False),
        sa.Column("created_at", types.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stored_file")),
        sa.UniqueConstraint("sha256", name=op.f("uq_stored_file_sha256")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("stored_file", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_stored_file_created_at"), ["created_at"], unique=False)

    op.create_table(
        "file_upload",
        sa.Column("id", types.Identifier, autoincrement=True, nullable=False),
        sa.Column("token", sa.String(length=32), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("arrived", sa.BigInteger(), nullable=False),
        sa.Column("created_at", types.UtcDateTime(), nullable=False),
        sa.Column("expires_at", types.UtcDateTime(), nullable=False),
        sa.Column("claimed_at", types.UtcDateTime(), nullable=True),
        sa.Column("stored_file_id", types.Identifier, nullable=True),
        sa.ForeignKeyConstraint(
            ["stored_file_id"],
            ["stored_file.id"],
            name=op.f("fk_file_upload_stored_file_id_stored_file"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_file_upload")),
        sa.UniqueConstraint("token", name=op.f("uq_file_upload_token")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("file_upload", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_file_upload_expires_at"), ["expires_at"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_file_upload_stored_file_id"), ["stored_file_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_file_upload_user_id"), ["user_id"], unique=False)

    op.create_table(
        "upload_part",
        sa.Column("upload_id", types.Identifier, nullable=False),
        sa.Column("begins_at", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("path", sa.String(length=120), nullable=False),
        sa.ForeignKeyConstraint(
            ["upload_id"],
            ["file_upload.id"],
            name=op.f("fk_upload_part_upload_id_file_upload"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("upload_id", "begins_at", name=op.f("pk_upload_part")),
    )


def downgrade() -> None:
    """Take it back."""
    op.drop_table("upload_part")
    op.drop_table("file_upload")
    op.drop_table("stored_file")
