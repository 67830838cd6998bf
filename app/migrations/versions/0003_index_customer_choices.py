"""Index every choice and day that customers are filtered by

Revises: 0002
Created: 2026-11-22
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

COLUMNS = (
    "customer_type",
    "grade",
    "listed_on",
    "listing",
    "need_type",
    "ownership",
    "preferred_channel",
)
LIVE = sa.text("deleted_at IS NULL")


def upgrade() -> None:
    """Bring the tables to this version."""
    for column in COLUMNS:
        op.create_index(
            f"ix_customer_{column}",
            "customer",
            [column, "id"],
            sqlite_where=LIVE,
            postgresql_where=LIVE,
        )


def downgrade() -> None:
    """Take it back."""
    for column in COLUMNS:
        op.drop_index(f"ix_customer_{column}", table_name="customer")
