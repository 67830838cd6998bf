"""answers of SAML providers

Revises: 0017
Created: 2026-11-28
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.engine.adapters import database as types

revision = "628d30787581"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the tables to this version."""
    op.create_table(
        "saml_answer",
        sa.Column("assertion", sa.String(length=64), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=True),
        sa.Column("code_until", types.UtcDateTime(), nullable=False),
        sa.Column("kept_until", types.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("assertion", name=op.f("pk_saml_answer")),
        sa.UniqueConstraint("code", name=op.f("uq_saml_answer_code")),
    )
    with op.batch_alter_table("saml_answer", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_saml_answer_code_until"), ["code_until"], unique=False)
        batch_op.create_index(batch_op.f("ix_saml_answer_kept_until"), ["kept_until"], unique=False)


def downgrade() -> None:
    """Take it back."""
    with op.batch_alter_table("saml_answer", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_saml_answer_kept_until"))
        batch_op.drop_index(batch_op.f("ix_saml_answer_code_until"))

    op.drop_table("saml_answer")
