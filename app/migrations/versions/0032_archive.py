"""archive packages, their items and fonds; returned numbers; fixity

Revises: 0031
Created: 2026-11-29
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.engine.adapters import database as types

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the tables to this version."""
    op.create_table(
        "fixity_finding",
        sa.Column("id", types.Identifier, autoincrement=True, nullable=False),
        sa.Column("path", sa.String(length=200), nullable=False),
        sa.Column("what", sa.String(length=10), nullable=False),
        sa.Column("first_at", types.UtcDateTime(), nullable=False),
        sa.Column("last_at", types.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fixity_finding")),
        sa.UniqueConstraint("path", name=op.f("uq_fixity_finding_path")),
    )
    op.create_table(
        "fixity_round",
        sa.Column("source", sa.String(length=60), nullable=False),
        sa.Column("begun_at", types.UtcDateTime(), nullable=False),
        sa.Column("after", types.Identifier, nullable=False),
        sa.Column("checked", types.Identifier, nullable=False),
        sa.Column("ended_at", types.UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("source", name=op.f("pk_fixity_round")),
    )
    op.create_table(
        "series_return",
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("number", types.Identifier, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("name", "number", name=op.f("pk_series_return")),
    )
    op.create_table(
        "fonds",
        sa.Column("code", sa.String(length=20), nullable=True),
        sa.Column("name", sa.String(length=100), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=True),
        sa.Column("created_at", types.UtcDateTime(), nullable=True),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("updated_at", types.UtcDateTime(), nullable=True),
        sa.Column("updated_by_id", sa.Integer(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("id", types.Identifier, autoincrement=True, nullable=False),
        sa.Column("deleted_at", types.UtcDateTime(), nullable=True),
        sa.Column("custom", types.Json, nullable=True),
        sa.ForeignKeyConstraint(
            ["created_by_id"],
            ["ab_user.id"],
            name=op.f("fk_fonds_created_by_id_ab_user"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["updated_by_id"],
            ["ab_user.id"],
            name=op.f("fk_fonds_updated_by_id_ab_user"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fonds")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("fonds", schema=None) as batch_op:
        batch_op.create_index(
            "ix_fonds_active",
            ["active", "id"],
            unique=False,
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )
        batch_op.create_index(
            "ix_fonds_created_at",
            ["created_at", "id"],
            unique=False,
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )
        batch_op.create_index(
            "ix_fonds_live",
            ["id"],
            unique=False,
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )
        batch_op.create_index(
            "ix_fonds_trash",
            ["id"],
            unique=False,
            sqlite_where=sa.text("deleted_at IS NOT NULL"),
            postgresql_where=sa.text("deleted_at IS NOT NULL"),
        )
        batch_op.create_index(
            "ix_fonds_updated_at",
            ["updated_at", "id"],
            unique=False,
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )
        batch_op.create_index(
            "uq_fonds_code",
            ["code"],
            unique=True,
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )

    op.create_table(
        "archive_package",
        sa.Column("number", sa.String(length=40), nullable=True),
        sa.Column("title", sa.String(length=200), nullable=True),
        sa.Column("fonds_id", types.Identifier, nullable=True),
        sa.Column("state", sa.String(length=60), nullable=True),
        sa.Column("by_rule", sa.Boolean(), nullable=True),
        sa.Column("document_class_id", types.Identifier, nullable=True),
        sa.Column("document_state", sa.String(length=60), nullable=True),
        sa.Column("least_age", sa.BigInteger(), nullable=True),
        sa.Column("items", sa.BigInteger(), nullable=True),
        sa.Column("left_out", sa.BigInteger(), nullable=True),
        sa.Column("files", sa.BigInteger(), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("sealed_at", types.UtcDateTime(), nullable=True),
        sa.Column("seal", sa.String(length=64), nullable=True),
        sa.Column("path", sa.String(length=100), nullable=True),
        sa.Column("asked", sa.String(length=20), nullable=True),
        sa.Column("created_at", types.UtcDateTime(), nullable=True),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("updated_at", types.UtcDateTime(), nullable=True),
        sa.Column("updated_by_id", sa.Integer(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("id", types.Identifier, autoincrement=True, nullable=False),
        sa.Column("deleted_at", types.UtcDateTime(), nullable=True),
        sa.Column("custom", types.Json, nullable=True),
        sa.ForeignKeyConstraint(
            ["created_by_id"],
            ["ab_user.id"],
            name=op.f("fk_archive_package_created_by_id_ab_user"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["document_class_id"],
            ["document_class.id"],
            name=op.f("fk_archive_package_document_class_id_document_class"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["fonds_id"],
            ["fonds.id"],
            name=op.f("fk_archive_package_fonds_id_fonds"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["updated_by_id"],
            ["ab_user.id"],
            name=op.f("fk_archive_package_updated_by_id_ab_user"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_archive_package")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("archive_package", schema=None) as batch_op:
        batch_op.create_index(
            "ix_archive_package_by_rule",
            ["by_rule", "id"],
            unique=False,
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )
        batch_op.create_index(
            "ix_archive_package_created_at",
            ["created_at", "id"],
            unique=False,
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )
        batch_op.create_index(
            "ix_archive_package_document_class_id",
            ["document_class_id", "deleted_at", "id"],
            unique=False,
        )
        batch_op.create_index(
            "ix_archive_package_document_state",
            ["document_state", "id"],
            unique=False,
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )
        batch_op.create_index(
            "ix_archive_package_fonds_id", ["fonds_id", "deleted_at", "id"], unique=False
        )
        batch_op.create_index(
            "ix_archive_package_live",
            ["id"],
            unique=False,
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )
        batch_op.create_index(
            "ix_archive_package_sealed_at",
            ["sealed_at", "id"],
            unique=False,
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )
        batch_op.create_index(
            "ix_archive_package_state",
            ["state", "id"],
            unique=False,
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )
        batch_op.create_index(
            "ix_archive_package_trash",
            ["id"],
            unique=False,
            sqlite_where=sa.text("deleted_at IS NOT NULL"),
            postgresql_where=sa.text("deleted_at IS NOT NULL"),
        )
        batch_op.create_index(
            "ix_archive_package_updated_at",
            ["updated_at", "id"],
            unique=False,
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )
        batch_op.create_index(
            "uq_archive_package_number",
            ["number"],
            unique=True,
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )

    op.create_table(
        "archive_item",
        sa.Column("package_id", types.Identifier, nullable=True),
        sa.Column("document_id", types.Identifier, nullable=True),
        sa.Column("only_of", sa.BigInteger(), nullable=True),
        sa.Column("number", sa.String(length=80), nullable=True),
        sa.Column("title", sa.String(length=200), nullable=True),
        sa.Column("class_code", sa.String(length=20), nullable=True),
        sa.Column("year", sa.BigInteger(), nullable=True),
        sa.Column("retention", sa.String(length=60), nullable=True),
        sa.Column("period", sa.String(length=10), nullable=True),
        sa.Column("dated_on", sa.Date(), nullable=True),
        sa.Column("series", sa.String(length=70), nullable=True),
        sa.Column("place", sa.BigInteger(), nullable=True),
        sa.Column("created_at", types.UtcDateTime(), nullable=True),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("updated_at", types.UtcDateTime(), nullable=True),
        sa.Column("updated_by_id", sa.Integer(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("id", types.Identifier, autoincrement=True, nullable=False),
        sa.Column("deleted_at", types.UtcDateTime(), nullable=True),
        sa.Column("custom", types.Json, nullable=True),
        sa.ForeignKeyConstraint(
            ["created_by_id"],
            ["ab_user.id"],
            name=op.f("fk_archive_item_created_by_id_ab_user"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["document_id"],
            ["document.id"],
            name=op.f("fk_archive_item_document_id_document"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["package_id"],
            ["archive_package.id"],
            name=op.f("fk_archive_item_package_id_archive_package"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["updated_by_id"],
            ["ab_user.id"],
            name=op.f("fk_archive_item_updated_by_id_ab_user"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_archive_item")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("archive_item", schema=None) as batch_op:
        batch_op.create_index(
            "ix_archive_item_created_at",
            ["created_at", "id"],
            unique=False,
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )
        batch_op.create_index(
            "ix_archive_item_dated_on",
            ["dated_on", "id"],
            unique=False,
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )
        batch_op.create_index(
            "ix_archive_item_document_id", ["document_id", "deleted_at", "id"], unique=False
        )
        batch_op.create_index(
            "ix_archive_item_live",
            ["id"],
            unique=False,
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )
        batch_op.create_index(
            "ix_archive_item_package_id", ["package_id", "deleted_at", "id"], unique=False
        )
        batch_op.create_index(
            "ix_archive_item_retention",
            ["retention", "id"],
            unique=False,
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )
        batch_op.create_index(
            "ix_archive_item_series",
            ["series", "id"],
            unique=False,
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )
        batch_op.create_index(
            "ix_archive_item_trash",
            ["id"],
            unique=False,
            sqlite_where=sa.text("deleted_at IS NOT NULL"),
            postgresql_where=sa.text("deleted_at IS NOT NULL"),
        )
        batch_op.create_index(
            "ix_archive_item_updated_at",
            ["updated_at", "id"],
            unique=False,
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )
        batch_op.create_index(
            "uq_archive_item_package_document",
            ["package_id", "document_id"],
            unique=True,
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )
        batch_op.create_index(
            "uq_archive_item_only_of",
            ["only_of"],
            unique=True,
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )
        batch_op.create_index(
            "uq_archive_item_number",
            ["number"],
            unique=True,
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )


def downgrade() -> None:
    """Take it back."""

    with op.batch_alter_table("archive_item", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_archive_item_number",
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )
        batch_op.drop_index(
            "uq_archive_item_package_document",
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )
        batch_op.drop_index(
            "uq_archive_item_only_of",
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )
        batch_op.drop_index(
            "ix_archive_item_updated_at",
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )
        batch_op.drop_index(
            "ix_archive_item_trash",
            sqlite_where=sa.text("deleted_at IS NOT NULL"),
            postgresql_where=sa.text("deleted_at IS NOT NULL"),
        )
        batch_op.drop_index(
            "ix_archive_item_series",
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )
        batch_op.drop_index(
            "ix_archive_item_retention",
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )
        batch_op.drop_index("ix_archive_item_package_id")
        batch_op.drop_index(
            "ix_archive_item_live",
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )
        batch_op.drop_index("ix_archive_item_document_id")
        batch_op.drop_index(
            "ix_archive_item_dated_on",
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )
        batch_op.drop_index(
            "ix_archive_item_created_at",
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )

    op.drop_table("archive_item")
    with op.batch_alter_table("archive_package", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_archive_package_number",
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )
        batch_op.drop_index(
            "ix_archive_package_updated_at",
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )
        batch_op.drop_index(
            "ix_archive_package_trash",
            sqlite_where=sa.text("deleted_at IS NOT NULL"),
            postgresql_where=sa.text("deleted_at IS NOT NULL"),
        )
        batch_op.drop_index(
            "ix_archive_package_state",
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )
        batch_op.drop_index(
            "ix_archive_package_sealed_at",
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )
        batch_op.drop_index(
            "ix_archive_package_live",
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )
        batch_op.drop_index("ix_archive_package_fonds_id")
        batch_op.drop_index(
            "ix_archive_package_document_state",
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )
        batch_op.drop_index("ix_archive_package_document_class_id")
        batch_op.drop_index(
            "ix_archive_package_created_at",
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )
        batch_op.drop_index(
            "ix_archive_package_by_rule",
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )

    op.drop_table("archive_package")
    with op.batch_alter_table("fonds", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_fonds_code",
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )
        batch_op.drop_index(
            "ix_fonds_updated_at",
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )
        batch_op.drop_index(
            "ix_fonds_trash",
            sqlite_where=sa.text("deleted_at IS NOT NULL"),
            postgresql_where=sa.text("deleted_at IS NOT NULL"),
        )
        batch_op.drop_index(
            "ix_fonds_live",
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )
        batch_op.drop_index(
            "ix_fonds_created_at",
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )
        batch_op.drop_index(
            "ix_fonds_active",
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )

    op.drop_table("fonds")
    op.drop_table("series_return")
    op.drop_table("fixity_round")
    op.drop_table("fixity_finding")
