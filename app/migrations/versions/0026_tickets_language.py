"""The language in which a ticket's requester is written to

Revises: 0025
Created: 2026-11-28
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the tables to this version."""
    op.add_column("ticket", sa.Column("language", sa.String(length=60), nullable=True))


def downgrade() -> None:
    """Take it back."""
    op.drop_column("ticket", "language")
