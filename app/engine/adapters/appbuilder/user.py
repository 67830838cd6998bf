"""A person who signs in: Flask-AppBuilder's user with what Steward adds, and the account's history."""

from __future__ import annotations

import datetime
from typing import Any

from flask_appbuilder import Model
from flask_appbuilder.security.sqla.models import Role as Role
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import Boolean, ForeignKey, Integer, String, false
from sqlalchemy.orm import Mapped, column_property, mapped_column

from app.engine.adapters.database import Json, UtcDateTime
from app.engine.notices import unread_by
from app.engine.people import display_name


class StewardUser(User):
    """The same table `ab_user`; load people by this class only, never by `User`."""

    must_change_password: Mapped[bool] = mapped_column(
        Boolean, default=False, server_default=false()
    )
    language: Mapped[str | None] = mapped_column(String(5))
    theme: Mapped[str | None] = mapped_column(String(10))
    mails_results: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    """Whether they want to be told by mail how their jobs have ended."""

    second_factor_since: Mapped[datetime.datetime | None] = mapped_column(UtcDateTime)
    """Since when signing in takes a code beside the password; None while it does not."""

    unread: Mapped[int] = column_property(unread_by(User.id))
    """Notifications that they have not read: loaded with the person, at no statement of its own."""

    @property
    def full_name(self) -> str:
        """The name as it is written: 张伟, but Jane Smith."""
        return display_name(self.first_name, self.last_name) or self.username

    def get_full_name(self) -> str:
        """Flask-AppBuilder's name for it."""
        return self.full_name

    def get_id(self) -> str:
        """What the session holds, beside the key of its row (`sessions`)."""
        return str(self.id)

    @property
    def last_seen(self) -> datetime.datetime | None:
        """When they last signed in; the column holds UTC without saying so."""
        return self.last_login.replace(tzinfo=datetime.UTC) if self.last_login else None

    def __repr__(self) -> str:
        return self.full_name


class AccountChange(Model):
    """One change of an account: by whom, and the fields that differ. Passwords are never in it."""

    __tablename__ = "account_change"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"), index=True)
    at: Mapped[datetime.datetime] = mapped_column(UtcDateTime)
    by_id: Mapped[int | None] = mapped_column(Integer)
    by_name: Mapped[str] = mapped_column(String(130))
    before: Mapped[dict[str, Any]] = mapped_column(Json)
    after: Mapped[dict[str, Any]] = mapped_column(Json)
