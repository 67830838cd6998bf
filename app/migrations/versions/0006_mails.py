"""mails, and who wants to be told by mail how jobs have ended

Revises: 0005
Created: 2026-11-22
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.engine.adapters import database as types

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the tables to this version."""
    op.create_table(
        "mail",
        sa.Column("id", types.Identifier, autoincrement=True, nullable=False),
        sa.Column("cause", sa.String(length=120), nullable=False),
        sa.Column("job_id", sa.String(length=36), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("subject", types.Json, nullable=False),
        sa.Column("lines", types.Json, nullable=False),
        sa.Column("href", sa.String(length=300), nullable=False),
        sa.Column("file_of", sa.String(length=36), nullable=True),
        sa.Column("attach", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("sent_at", types.UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["job_id"], ["job.id"], name=op.f("fk_mail_job_id_job"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail")),
        sa.UniqueConstraint("cause", name=op.f("uq_mail_cause")),
    )
    with op.batch_alter_table("mail", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_mail_job_id"), ["job_id"], unique=False)
    with op.batch_alter_table("ab_user", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("mails_results", sa.Boolean(), server_default=sa.false(), nullable=False)
        )


def downgrade() -> None:
    """Take it back."""
    with op.batch_alter_table("ab_user", schema=None) as batch_op:
        batch_op.drop_column("mails_results")
    with op.batch_alter_table("mail", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_mail_job_id"))
    op.drop_table("mail")
