"""Sensitive fields

Revises: 0013
Created: 2026-11-25
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

TABLE = "contact"
TEXTS = {"phone": 40, "email": 254, "wechat": 60}
MARKED = "deleted_at IS NULL AND {name}_mark IS NOT NULL"


def upgrade() -> None:
    """Bring the tables to this version."""
    for name in (*TEXTS, "birthday"):
        op.add_column(TABLE, sa.Column(f"{name}_mark", sa.String(32), nullable=True))
        marked = sa.text(MARKED.format(name=name))
        op.create_index(
            f"ix_{TABLE}_{name}_mark", TABLE, [f"{name}_mark"],
            sqlite_where=marked, postgresql_where=marked,
        )  # fmt: skip
    if op.get_bind().dialect.name == "sqlite":
        _days_as("TEXT", "birthday")
        return
    for name, length in TEXTS.items():
        op.alter_column(TABLE, name, type_=sa.Text(), existing_type=sa.String(length))
    op.alter_column(
        TABLE, "birthday", type_=sa.Text(), existing_type=sa.Date(),
        postgresql_using="to_char(birthday, 'YYYY-MM-DD')",
    )  # fmt: skip


def downgrade() -> None:
    """Take it back; encrypted values must have been decrypted before."""
    for name in (*TEXTS, "birthday"):
        op.drop_index(f"ix_{TABLE}_{name}_mark", TABLE)
        op.drop_column(TABLE, f"{name}_mark")
    if op.get_bind().dialect.name == "sqlite":
        _days_as("DATE", "birthday")
        return
    op.alter_column(
        TABLE, "birthday", type_=sa.Date(), existing_type=sa.Text(),
        postgresql_using="birthday::date",
    )  # fmt: skip
    for name, length in TEXTS.items():
        op.alter_column(TABLE, name, type_=sa.String(length), existing_type=sa.Text())


def _days_as(kind: str, name: str) -> None:
    """SQLite keeps days as text anyway; only the column's declaration changes."""
    op.execute(f"ALTER TABLE {TABLE} ADD COLUMN {name}_new {kind}")
    op.execute(f"UPDATE {TABLE} SET {name}_new = {name} WHERE {name} IS NOT NULL")  # noqa: S608  names of ours
    op.execute(f"ALTER TABLE {TABLE} DROP COLUMN {name}")
    op.execute(f"ALTER TABLE {TABLE} RENAME COLUMN {name}_new TO {name}")
