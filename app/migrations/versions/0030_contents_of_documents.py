"""The content of a document's file

Revises: 0029
Created: 2026-11-29
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.engine.adapters import database as types

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the tables to this version."""
    with op.batch_alter_table("document_file", schema=None) as batch_op:
        batch_op.alter_column("name", type_=sa.String(length=255))
        batch_op.add_column(sa.Column("content_id", types.Identifier, nullable=True))
        batch_op.create_index(
            "ix_document_file_content_id",
            ["content_id", "deleted_at", "id"],
            unique=False,
        )
        batch_op.create_foreign_key(
            batch_op.f("fk_document_file_content_id_stored_file"),
            "stored_file",
            ["content_id"],
            ["id"],
            ondelete="RESTRICT",
        )


def downgrade() -> None:
    """Take it back."""
    with op.batch_alter_table("document_file", schema=None) as batch_op:
        batch_op.drop_constraint(
            batch_op.f("fk_document_file_content_id_stored_file"), type_="foreignkey"
        )
        batch_op.drop_index("ix_document_file_content_id")
        batch_op.drop_column("content_id")
        batch_op.alter_column("name", type_=sa.String(length=200))
