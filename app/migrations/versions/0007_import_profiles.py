"""import profiles

Revises: 0006
Created: 2026-11-22
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.engine.adapters import database as types

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the tables to this version."""
    op.create_table(
        "import_profile",
        sa.Column("id", types.Identifier, autoincrement=True, nullable=False),
        sa.Column("entity", sa.String(length=60), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("user_name", sa.String(length=130), nullable=False),
        sa.Column("changed_at", types.UtcDateTime(), nullable=False),
        sa.Column("columns", types.Json, nullable=False),
        sa.Column("options", types.Json, nullable=False),
        sa.Column("shared", types.Json, nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["ab_user.id"],
            name=op.f("fk_import_profile_user_id_ab_user"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_profile")),
        sa.UniqueConstraint(
            "entity", "user_id", "name", name=op.f("uq_import_profile_entity_user_id_name")
        ),
    )
    with op.batch_alter_table("import_profile", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_import_profile_user_id"), ["user_id"], unique=False)


def downgrade() -> None:
    """Take it back."""
    with op.batch_alter_table("import_profile", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_import_profile_user_id"))

    op.drop_table("import_profile")
