"""Let the index of account managers say what was put aside, so that a scope is counted from it alone

Revises: 0016
Created: 2026-11-25
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

NAME = "ix_customer_account_manager_id"
LIVE = sa.text("deleted_at IS NULL")


def upgrade() -> None:
    """Bring the tables to this version."""
    _make(["account_manager_id", "id", "archived_at"])


def downgrade() -> None:
    """Take it back."""
    _make(["account_manager_id", "id"])


def _make(columns: list[str]) -> None:
    op.drop_index(NAME, table_name="customer")
    op.create_index(NAME, "customer", columns, sqlite_where=LIVE, postgresql_where=LIVE)
