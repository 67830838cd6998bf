"""archived records

Revises: 0004
Created: 2026-11-22
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.engine.adapters import database as types

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_KEPT = sa.text("deleted_at IS NULL AND archived_at IS NULL")
_ARCHIVED = sa.text("deleted_at IS NULL AND archived_at IS NOT NULL")


def upgrade() -> None:
    """Bring the tables to this version."""
    op.add_column("customer", sa.Column("archived_at", types.UtcDateTime(), nullable=True))
    op.create_index(
        "ix_customer_kept", "customer", ["id"], sqlite_where=_KEPT, postgresql_where=_KEPT
    )
    op.create_index(
        "ix_customer_archived",
        "customer",
        ["id"],
        sqlite_where=_ARCHIVED,
        postgresql_where=_ARCHIVED,
    )


def downgrade() -> None:
    """Take it back."""
    op.drop_index("ix_customer_archived", table_name="customer")
    op.drop_index("ix_customer_kept", table_name="customer")
    op.drop_column("customer", "archived_at")
