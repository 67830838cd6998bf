"""Notifications: the bell on every page, and the page behind it."""

from __future__ import annotations

from typing import Any

from flask import Flask, redirect, render_template, request
from sqlalchemy import select

from app.engine import notices, policy
from app.engine.adapters.appbuilder.views import Pages, expose, page
from app.engine.adapters.database import db
from app.engine.adapters.web import safe_next
from app.engine.addresses import with_query
from app.engine.errors import NotFound
from app.engine.messages import thaw
from app.engine.notices import Notification

_PAGE = 50


class NotificationPages(Pages):
    """/notifications/"""

    @expose("/notifications/")
    @page()
    def notifications(self) -> str:
        """One's own, newest first."""
        before = request.args.get("before", type=int)
        statement = _own().order_by(Notification.id.desc()).limit(_PAGE + 1)
        if before is not None:
            statement = statement.where(Notification.id < before)
        found = list(db.session.scalars(statement))
        shown, more = found[:_PAGE], len(found) > _PAGE
        return render_template(
            "notifications/notifications.html",
            notifications=[_shown(one) for one in shown],
            next=with_query("/notifications/", [("before", shown[-1].id)]) if more else None,
            previous="/notifications/" if before is not None else None,
        )

    @expose("/notifications/<int:notification_id>")
    @page()
    def open(self, notification_id: int) -> Any:
        """To the page that it is about; from then on it is read."""
        found = db.session.scalar(_own().where(Notification.id == notification_id))
        if found is None:
            raise NotFound
        href = str(found.href)
        if policy.current_viewer().behind is None:  # who looks on leaves no traces
            notices.mark_read(_user_id(), id=notification_id)
        return redirect(href, 303)

    @expose("/notifications/read", methods=["POST"])
    @page()
    def read(self) -> Any:
        """All of them are read."""
        notices.mark_read(_user_id())
        return redirect(safe_next("/notifications/"), 303)


def _own() -> Any:
    return select(Notification).where(Notification.user_id == _user_id())


def _user_id() -> int:
    """Of whoever is signed in; 0, which nobody has, for anybody else."""
    return policy.current_viewer().user_id or 0


def _shown(one: Notification) -> dict[str, Any]:
    return {
        "message": thaw(one.message),
        "detail": thaw(one.detail),
        "tone": one.tone,
        "href": f"/notifications/{one.id}" if one.read_at is None else one.href,
        "at": one.at,
        "unread": one.read_at is None,
    }


def register(app: Flask, appbuilder: Any) -> None:
    """Add the page, and the bell's figure to every template."""
    appbuilder.add_view_no_menu(NotificationPages)
    app.context_processor(lambda: {"bell": True})
