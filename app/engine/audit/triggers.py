"""What the database itself refuses: changing an entry, and taking one away before its time."""

from __future__ import annotations

from collections.abc import Sequence

_CONTENT = (
    "id", "at", "user_id", "who", "address", "door", "request_id", "kind", "entity", "record_id",
    "person_id", "details",
)  # fmt: skip

_REFUSED = "the audit log is append-only"
_SAME = " AND ".join(f"OLD.{name} IS NOT DISTINCT FROM NEW.{name}" for name in _CONTENT)
_SEALING = f"OLD.position IS NULL AND NEW.position IS NOT NULL AND {_SAME}"
_PURGED = (
    "OLD.position IS NOT NULL AND"
    " OLD.position <= COALESCE((SELECT max(position) FROM audit_checkpoint), 0)"
)


def creating(dialect: str) -> Sequence[str]:
    """The statements that put the triggers up; where they stand already they are left."""
    return _postgresql() if dialect == "postgresql" else _sqlite()


def dropping(dialect: str) -> Sequence[str]:
    """The statements that take them down again, for a migration backwards."""
    if dialect == "postgresql":
        return [
            "DROP TRIGGER IF EXISTS audit_entry_guard ON audit_entry",
            "DROP TRIGGER IF EXISTS audit_entry_whole ON audit_entry",
            "DROP TRIGGER IF EXISTS audit_checkpoint_guard ON audit_checkpoint",
            "DROP TRIGGER IF EXISTS audit_checkpoint_whole ON audit_checkpoint",
            "DROP FUNCTION IF EXISTS audit_guard()",
            "DROP FUNCTION IF EXISTS audit_refuse()",
        ]
    return [f"DROP TRIGGER IF EXISTS {name}" for name, _table, _event, _unless in _SQLITE]


_SQLITE = (
    ("audit_entry_update", "audit_entry", "UPDATE", _SEALING),
    ("audit_entry_delete", "audit_entry", "DELETE", _PURGED),
    ("audit_checkpoint_update", "audit_checkpoint", "UPDATE", "0"),
    ("audit_checkpoint_delete", "audit_checkpoint", "DELETE", "0"),
)


def _sqlite() -> list[str]:
    return [
        f"CREATE TRIGGER IF NOT EXISTS {name} BEFORE {event} ON {table}"
        f" WHEN NOT ({unless.replace('IS NOT DISTINCT FROM', 'IS')})"
        f" BEGIN SELECT RAISE(ABORT, '{_REFUSED}'); END"
        for name, table, event, unless in _SQLITE
    ]


def _postgresql() -> list[str]:
    refuse = f"RAISE EXCEPTION '{_REFUSED}'"
    return [
        (
            "CREATE OR REPLACE FUNCTION audit_guard() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            f" IF TG_OP = 'UPDATE' THEN IF {_SEALING} THEN RETURN NEW; END IF;"
            f" ELSIF {_PURGED} THEN RETURN OLD; END IF; {refuse}; END $$"
        ),
        (
            "CREATE OR REPLACE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS"
            f" $$ BEGIN {refuse}; END $$"
        ),
        (
            "CREATE OR REPLACE TRIGGER audit_entry_guard BEFORE UPDATE OR DELETE ON audit_entry"
            " FOR EACH ROW EXECUTE FUNCTION audit_guard()"
        ),
        (
            "CREATE OR REPLACE TRIGGER audit_entry_whole BEFORE TRUNCATE ON audit_entry"
            " FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()"
        ),
        (
            "CREATE OR REPLACE TRIGGER audit_checkpoint_guard BEFORE UPDATE OR DELETE"
            " ON audit_checkpoint FOR EACH ROW EXECUTE FUNCTION audit_refuse()"
        ),
        (
            "CREATE OR REPLACE TRIGGER audit_checkpoint_whole BEFORE TRUNCATE ON audit_checkpoint"
            " FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()"
        ),
    ]
