"""accounts linked to other sites', and states of sign-ins that were used

Revises: 0014
Created: 2026-11-25
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.engine.adapters import database as types

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the tables to this version."""
    op.create_table(
        "linked_account",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("provider", sa.String(length=20), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("linked_at", types.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["ab_user.id"],
            name=op.f("fk_linked_account_user_id_ab_user"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_linked_account")),
        sa.UniqueConstraint("provider", "subject", name=op.f("uq_linked_account_provider_subject")),
        sa.UniqueConstraint("user_id", "provider", name=op.f("uq_linked_account_user_id_provider")),
    )
    op.create_table(
        "used_state",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("used_at", types.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_used_state")),
    )
    with op.batch_alter_table("used_state", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_used_state_used_at"), ["used_at"], unique=False)


def downgrade() -> None:
    """Take it back."""
    with op.batch_alter_table("used_state", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_used_state_used_at"))
    op.drop_table("used_state")
    op.drop_table("linked_account")
