"""role changes

Revises: 0010
Created: 2026-11-25
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.engine.adapters import database as types

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the tables to this version."""
    op.create_table(
        "role_change",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("at", types.UtcDateTime(), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=True),
        sa.Column("by_name", sa.String(length=130), nullable=False),
        sa.Column("role_id", sa.Integer(), nullable=False),
        sa.Column("role_name", sa.String(length=64), nullable=False),
        sa.Column("before", types.Json, nullable=True),
        sa.Column("after", types.Json, nullable=True),
        sa.Column("undoes_id", sa.Integer(), nullable=True),
        sa.Column("undone", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_role_change")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("role_change", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_role_change_role_id"), ["role_id"], unique=False)
    with op.batch_alter_table("role_profile", schema=None) as batch_op:
        batch_op.add_column(sa.Column("built_in", types.Json, nullable=True))


def downgrade() -> None:
    """Take it back."""
    with op.batch_alter_table("role_profile", schema=None) as batch_op:
        batch_op.drop_column("built_in")
    with op.batch_alter_table("role_change", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_role_change_role_id"))
    op.drop_table("role_change")
