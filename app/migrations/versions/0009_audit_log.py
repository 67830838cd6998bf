"""the audit log, append-only

Revises: 0008
Created: 2026-11-25
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.engine.adapters import database as types
from app.engine.audit import triggers

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the tables to this version."""
    op.create_table(
        "audit_entry",
        sa.Column("id", types.Identifier, autoincrement=True, nullable=False),
        sa.Column("at", types.UtcDateTime(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("who", sa.String(length=130), nullable=False),
        sa.Column("address", sa.String(length=60), nullable=True),
        sa.Column("door", sa.String(length=20), nullable=False),
        sa.Column("request_id", sa.String(length=64), nullable=True),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("entity", sa.String(length=60), nullable=True),
        sa.Column("record_id", types.Identifier, nullable=True),
        sa.Column("person_id", sa.Integer(), nullable=True),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("position", types.Identifier, nullable=True),
        sa.Column("previous", sa.String(length=64), nullable=True),
        sa.Column("hash", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entry")),
        sa.UniqueConstraint("position", name=op.f("uq_audit_entry_position")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_audit_entry_at"), "audit_entry", ["at"])
    op.create_index("ix_audit_entry_kind", "audit_entry", ["kind", "id"])
    op.create_index("ix_audit_entry_person", "audit_entry", ["person_id", "id"])
    op.create_index("ix_audit_entry_record", "audit_entry", ["entity", "record_id", "id"])
    op.create_index(
        "ix_audit_entry_unsealed",
        "audit_entry",
        ["id"],
        sqlite_where=sa.text("position IS NULL"),
        postgresql_where=sa.text("position IS NULL"),
    )
    op.create_index("ix_audit_entry_user", "audit_entry", ["user_id", "id"])
    op.create_table(
        "audit_checkpoint",
        sa.Column("position", types.Identifier, autoincrement=False, nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("at", types.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_audit_checkpoint")),
    )
    for statement in triggers.creating(op.get_bind().dialect.name):
        op.execute(statement)


def downgrade() -> None:
    """Take it back."""
    for statement in triggers.dropping(op.get_bind().dialect.name):
        op.execute(statement)
    op.drop_table("audit_checkpoint")
    op.drop_table("audit_entry")
