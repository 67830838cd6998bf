"""Roles to look at: all of them, one with its grid, and all beside each other for one entity."""

from __future__ import annotations

from flask import render_template, request

from app.engine import policy, registry, roles
from app.engine.adapters.appbuilder.roles import holders, role_counts
from app.engine.adapters.appbuilder.views import Pages, expose, page
from app.engine.adapters.database import db
from app.engine.errors import NotFound
from app.engine.rights_grid import areas, column_words
from app.engine.rights_words import entity_word
from app.engine.surfaces.roles import shown

HISTORY = 20
MOST_PEOPLE = 50


class RolePages(Pages):
    """/roles/…"""

    @expose("/roles/list/")
    @page(policy.USERS, "read")
    def list(self) -> str:
        """Every role: what it is for, who has it, what it includes."""
        book, counts = roles.load_book(db.session()), role_counts()
        found = [
            {
                "id": role_id,
                "label": picture.label,
                "purpose": picture.purpose,
                "people": counts.get(role_id, 0),
                "includes": [book.roles[i].label for i in picture.includes if i in book.roles],
            }
            for role_id, picture in sorted(book.roles.items())
        ]
        may_add = policy.current_viewer().can(policy.USERS, "create")
        return render_template("roles/list.html", roles=found, may_add=may_add)

    @expose("/roles/<int:role_id>")
    @page(policy.USERS, "read")
    def role(self, role_id: int) -> str:
        """One role: its grid, what it sees of fields, its people and its history."""
        session = db.session()
        book = roles.load_book(session)
        picture = book.roles.get(role_id)
        if picture is None:
            raise NotFound
        before = request.args.get("before", type=int)
        changes = roles.changes_of(role_id, HISTORY + 1, before)
        people = holders(session, [role_id])
        profile = session.get(policy.RoleProfile, role_id)
        viewer = policy.current_viewer()
        return render_template(
            "roles/role.html",
            role_id=role_id,
            role=picture,
            here=f"/roles/{role_id}",
            columns=column_words(),
            areas=shown.grid(book, role_id),
            fields=shown.field_lines(picture),
            includes=[(i, book.roles[i].label) for i in picture.includes if i in book.roles],
            included_in=[
                (i, book.roles[i].label) for i in sorted(book.including(role_id) - {role_id})
            ],
            people=people[:MOST_PEOPLE],
            more_people=max(0, len(people) - MOST_PEOPLE),
            built_in=profile is not None and profile.built_in is not None,
            gained=shown.picture_lines(picture, roles.with_gained(session, role_id, picture), book),
            history=shown.history(changes[:HISTORY], book),
            older=changes[HISTORY - 1].id if len(changes) > HISTORY else None,
            newer=before is not None,
            may={action: viewer.can(policy.USERS, action) for action in policy.ACTIONS},
        )

    @expose("/roles/changes")
    @page(policy.USERS, "read")
    def changes(self) -> str:
        """What was changed in all roles; part of the general history, undone by the same way."""
        before = request.args.get("before", type=int)
        found = roles.changes_of(None, HISTORY + 1, before)
        book = roles.load_book(db.session())
        return render_template(
            "roles/changes.html",
            history=shown.history(found[:HISTORY], book),
            older=found[HISTORY - 1].id if len(found) > HISTORY else None,
            newer=before is not None,
            may_undo=policy.current_viewer().can(policy.USERS, "update"),
        )

    @expose("/roles/compare")
    @page(policy.USERS, "read")
    def compare(self) -> str:
        """All roles beside each other, for one entity."""
        names = [name for _label, found in areas() for name in found]
        wanted = request.args.get("on", "")
        known = registry.current().entities
        name = wanted if wanted in names else next(iter(known), policy.ANY)
        book = roles.load_book(db.session())
        definition = known.get(name)
        return render_template(
            "roles/compare.html",
            name=name,
            label=entity_word(name),
            choices=[
                (label, [(one, entity_word(one)) for one in found]) for label, found in areas()
            ],
            columns=column_words(),
            rows=shown.comparison(book, name),
            roles=[(i, book.roles[i].label) for i in sorted(book.roles)],
            fields=shown.field_comparison(book, definition) if definition else [],
        )
