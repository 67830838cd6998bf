"""Indexes of references over the trash, too; what is worked out needs fewer indexes and checks

Revises: 0027
Created: 2026-11-29
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

REFERENCES = (
    ("department", "parent_id"),
    ("department_member", "department_id"),
    ("team_member", "team_id"),
    ("record_share", "team_id"),
    ("contact", "customer_id"),
    ("consent", "contact_id"),
    ("order", "customer_id"),
    ("interaction", "customer_id"),
    ("interaction", "contact_id"),
    ("customer_relation", "customer_id"),
    ("customer_relation", "other_id"),
    ("evaluation_run", "ruleset_id"),
    ("evaluation", "run_id"),
    ("evaluation", "customer_id"),
    ("question", "questionnaire_id"),
    ("survey", "questionnaire_id"),
    ("survey_invitation", "survey_id"),
    ("survey_invitation", "contact_id"),
    ("survey_answer", "survey_id"),
    ("survey_answer", "invitation_id"),
    ("survey_answer", "question_id"),
    ("task", "customer_id"),
    ("ticket", "customer_id"),
    ("ticket", "contact_id"),
    ("ticket_message", "ticket_id"),
    ("document_class", "parent_id"),
    ("required_paper", "document_class_id"),
    ("required_paper", "paper_class_id"),
    ("document", "document_class_id"),
    ("document", "customer_id"),
    ("document", "order_id"),
    ("document", "ticket_id"),
    ("document", "interaction_id"),
    ("document", "task_id"),
    ("document", "evaluation_run_id"),
    ("document", "superseded_by_id"),
    ("document_version", "document_id"),
    ("document_file", "document_version_id"),
    ("document_file", "document_id"),
)
LIVE = sa.text("deleted_at IS NULL")
INDEXES = {"created_at": ("created_at", "id"), "updated_at": ("updated_at", "id"), "live": ("id",)}
KEYS = {
    "run_id": "evaluation_run",
    "customer_id": "customer",
    "created_by_id": "ab_user",
    "updated_by_id": "ab_user",
}


def upgrade() -> None:
    """Bring the tables to this version."""
    for table, column in REFERENCES:
        op.drop_index(f"ix_{table}_{column}", table)
        op.create_index(f"ix_{table}_{column}", table, [column, "deleted_at", "id"])
    op.create_index(
        "ix_evaluation_run_before_id", "evaluation_run", ["before_id", "deleted_at", "id"]
    )
    for name in INDEXES:
        op.drop_index(f"ix_evaluation_{name}", "evaluation")
    for column, target in KEYS.items() if _on_postgresql() else ():
        op.drop_constraint(f"fk_evaluation_{column}_{target}", "evaluation", type_="foreignkey")


def downgrade() -> None:
    """Take it back."""
    for column, target in KEYS.items() if _on_postgresql() else ():
        name = f"fk_evaluation_{column}_{target}"
        op.create_foreign_key(name, "evaluation", target, [column], ["id"], ondelete="RESTRICT")
    for name, columns in INDEXES.items():
        _live_index("evaluation", name, *columns)
    op.drop_index("ix_evaluation_run_before_id", "evaluation_run")
    for table, column in REFERENCES:
        op.drop_index(f"ix_{table}_{column}", table)
        _live_index(table, column, column, "id")


def _live_index(table: str, name: str, *columns: str) -> None:
    op.create_index(
        f"ix_{table}_{name}",
        table,
        list(columns),
        sqlite_where=LIVE,
        postgresql_where=LIVE,
    )


def _on_postgresql() -> bool:
    return bool(op.get_bind().dialect.name == "postgresql")
