"""People: the users of Flask-AppBuilder, as the engine needs them: a name, whether active."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from app.engine.adapters.database import db


def display_name(first_name: str | None, last_name: str | None) -> str:
    """A person's name: Chinese names family name first and without a blank."""
    first, last = (first_name or "").strip(), (last_name or "").strip()
    if any("\u4e00" <= character <= "\u9fff" for character in first + last):
        return f"{last}{first}"
    return f"{first} {last}".strip()


def names_of(user_ids: Collection[int], session: Session | None = None) -> dict[int, str]:
    """The names of users by id, one query."""
    if not user_ids:
        return {}
    rows = (session or db.session).execute(
        select(User.id, User.first_name, User.last_name).where(User.id.in_(user_ids))
    )
    return {user_id: display_name(first, last) for user_id, first, last in rows}


def all_names(most: int, session: Session | None = None) -> dict[int, str] | None:
    """The names of all users by id, one query; None when there are more of them."""
    rows = list(
        (session or db.session).execute(
            select(User.id, User.first_name, User.last_name).limit(most + 1)
        )
    )
    if len(rows) > most:
        return None
    return {user_id: display_name(first, last) for user_id, first, last in rows}


def is_active(session: Session, user_id: int) -> bool:
    """Whether there is such a user who may sign in."""
    return bool(session.scalar(select(User.active).where(User.id == user_id)))


def find(query: str, limit: int = 20) -> list[dict[str, Any]]:
    """Active users for a picker: those whose name or user name holds the query."""
    statement = select(User.id, User.first_name, User.last_name, User.username).where(
        User.active.is_(True)
    )
    if query:
        chinese = User.last_name.concat(User.first_name)
        latin = User.first_name.concat(" ").concat(User.last_name)
        statement = statement.where(
            or_(
                *(
                    column.icontains(query, autoescape=True)
                    for column in (User.username, User.first_name, User.last_name, chinese, latin)
                )
            )
        )
    rows = db.session.execute(statement.order_by(User.username).limit(limit))
    return [
        {"id": row.id, "label": display_name(row.first_name, row.last_name), "note": row.username}
        for row in rows
    ]


def find_exact(text: str) -> int | None:
    """The id of the active user who is called or signs in so; None when there is not just one."""
    wanted = text.strip().lower()
    rows = find(text.strip(), 50)
    same = [r for r in rows if wanted in (str(r["label"]).lower(), str(r["note"]).lower())]
    return int(same[0]["id"]) if len(same) == 1 else None
