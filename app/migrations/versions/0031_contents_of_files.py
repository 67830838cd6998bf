"""contents of files: their text for the search, and which pictures there are of their pages

Revises: 0030
Created: 2026-11-29
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.engine.adapters import database as types

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the tables to this version."""
    op.create_table(
        "file_contents",
        sa.Column("file_id", types.Identifier, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("read_at", types.UtcDateTime(), nullable=False),
        sa.Column("problem", sa.String(length=20), nullable=True),
        sa.Column("paged", sa.Boolean(), nullable=False),
        sa.Column("cut", sa.Boolean(), nullable=False),
        sa.Column("searched_whole", sa.Boolean(), nullable=False),
        sa.Column("text", types.Json, nullable=True),
        sa.Column("words", sa.LargeBinary(), nullable=True),
        sa.Column("shown", sa.Boolean(), nullable=False),
        sa.Column("pictures", sa.Integer(), nullable=True),
        sa.Column("drawn", types.Json, nullable=False),
        sa.Column("draw_problem", sa.String(length=20), nullable=True),
        sa.Column("by_office", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["file_id"],
            ["stored_file.id"],
            name=op.f("fk_file_contents_file_id_stored_file"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("file_id", name=op.f("pk_file_contents")),
    )
    with op.batch_alter_table("file_contents", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_file_contents_version"), ["version"], unique=False)


def downgrade() -> None:
    """Take it back."""
    op.drop_table("file_contents")
