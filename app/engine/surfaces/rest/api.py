"""Records by REST: list, one, new, change, approve, delete."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from apispec import APISpec
from werkzeug.wrappers import Response

from app.engine import policy, unmasking
from app.engine.adapters.appbuilder.views import Api, api_entity, expose
from app.engine.changes import Changes, change_set
from app.engine.changes.merging import merge
from app.engine.errors import StaleRecord
from app.engine.fields import Field
from app.engine.query import Records
from app.engine.registry import EntityDefinition, current
from app.engine.surfaces.rest import body as sent
from app.engine.surfaces.rest import query as asked
from app.engine.surfaces.rest.describe import described
from app.engine.surfaces.rest.output import answer, shaped, shaped_record
from app.engine.surfaces.rest.spec import add_records

RECORD = "/<key>/<int:record_id>"
DOOR = "api"


class RecordsApi(Api):
    """/api/v1/<key>/…"""

    openapi_spec_tag = "Records"

    @expose("/<key>/")
    @api_entity("read")
    def get_list(self, definition: EntityDefinition) -> Response:
        """A page of records, as `q` asks for them."""
        return list_answer(definition, asked.list_query())

    @expose("/<key>/_info")
    @api_entity("read")
    def info(self, definition: EntityDefinition) -> Response:
        """What may be done and filtered here, and which fields can be written."""
        given = asked.arguments("keys", "add_columns", "edit_columns")
        return answer(described(definition, (), asked.keys(given, asked.INFO_KEYS)))

    @expose(RECORD)
    @api_entity("read")
    def get(self, definition: EntityDefinition, record_id: int) -> Response:
        """One record."""
        query = asked.item_query()
        fields = asked.fields_of(definition, query)
        result, version = _read(definition, record_id, fields)
        descriptions = described(definition, fields, query.keys)
        return answer({"id": record_id, "result": result, **descriptions}, version=version)

    @expose("/<key>/", methods=["POST"])
    @api_entity("create")
    def post(self, definition: EntityDefinition) -> Response:
        """Make a record."""
        body = sent.json_object()
        approved = sent.wants_approved(definition, body)
        values = sent.values_of(definition, body)
        with change_set(DOOR) as changes:
            record = changes.create(definition, values, approved=approved)
        return record_answer(definition, record, 201)

    @expose(RECORD, methods=["PUT"])
    @api_entity("update")
    def put(self, definition: EntityDefinition, record_id: int) -> Response:
        """Change the fields that are given."""
        body = sent.json_object()
        version = sent.version_of(body)
        values = sent.values_of(definition, body)
        try:
            return self._written(
                definition, lambda changes: changes.update(definition, record_id, values, version)
            )
        except StaleRecord as error:
            return _conflict(definition, record_id, body, error)

    @expose(f"{RECORD}/approve", methods=["POST"])
    @api_entity("approve")
    def approve(self, definition: EntityDefinition, record_id: int) -> Response:
        """Let a draft count."""
        return self._written(definition, lambda changes: changes.approve(definition, record_id))

    @expose(f"{RECORD}/merge", methods=["POST"])
    @api_entity("update")
    def merge(self, definition: EntityDefinition, record_id: int) -> Response:
        """Merge other records into this one, as one change set."""
        losers, taken = sent.merging(definition, sent.json_object())
        with change_set("merge") as changes:
            merged = merge(changes, definition, record_id, losers, taken)
        record = merged.survivor
        body = {
            "id": record.id,
            "result": shaped_record(definition, record),
            "given": merged.given,
            "moved": {current().entity(name).key: n for name, n in merged.moved.items()},
            "change_set": changes.id,
        }
        return answer(body, 200, record.version)

    @expose(f"{RECORD}/unmask", methods=["POST"])
    @api_entity(unmasking.ACTION)
    def unmask(self, definition: EntityDefinition, record_id: int) -> Response:
        """One masked value, for the reason that is sent along and recorded."""
        name, reason = sent.unmasking(sent.json_object())
        field = unmasking.maskable(definition, record_id, name)
        value = unmasking.unmask(definition, record_id, name, reason)
        response = answer({"field": name, "value": None if value is None else field.dump(value)})
        response.headers["Cache-Control"] = "no-store"
        return response

    @expose(RECORD, methods=["DELETE"])
    @api_entity("delete")
    def delete(self, definition: EntityDefinition, record_id: int) -> Response:
        """Move a record to the trash."""
        with change_set(DOOR) as changes:
            changes.trash(definition, record_id)
        return answer({"message": "OK"})

    @staticmethod
    def _written(definition: EntityDefinition, write: Callable[[Changes], Any]) -> Response:
        with change_set(DOOR) as changes:
            record = write(changes)
        return record_answer(definition, record, 200)

    def add_api_spec(self, api_spec: APISpec) -> None:
        """Flask-AppBuilder asks each API for its part of the OpenAPI document."""
        self.add_apispec_components(api_spec)
        add_records(api_spec)


def list_answer(definition: EntityDefinition, query: asked.Query, trash: bool = False) -> Response:
    """A page of records, the trash's or the others."""
    fields = asked.fields_of(definition, query)
    records = asked.selected(definition, query, trash)
    page = asked.with_problem(
        "after", lambda: records.page(query.size, fields, query.after, query.page)
    )
    count, exact = records.count()
    return answer(
        {
            "count": count,
            "count_exact": exact,
            "ids": [row["id"] for row in page.rows],
            "next": page.next,
            "result": shaped(definition, fields, page.rows),
            **described(definition, fields, query.keys),
        }
    )


def record_answer(definition: EntityDefinition, record: Any, status: int) -> Response:
    """A record that was just written."""
    body = {"id": record.id, "result": shaped_record(definition, record)}
    return answer(body, status, record.version)


def _read(
    definition: EntityDefinition, record_id: int, fields: Sequence[Field]
) -> tuple[dict[str, Any], int]:
    """A record as it is given out, and its version. Raises NotFound."""
    needed = {field.name: field for field in (*fields, definition.fields["version"])}
    row = Records(definition).get(record_id, list(needed.values()))
    return shaped(definition, fields, [row])[0], int(row["version"])


def _conflict(
    definition: EntityDefinition, record_id: int, body: dict[str, Any], error: StaleRecord
) -> Response:
    """Both versions: the one that stands, and the one that was sent. Raises NotFound."""
    current, version = _read(definition, record_id, policy.known(definition))
    conflict = {
        "message": str(error),
        "version": version,
        "current": current,
        "submitted": body,
    }
    return answer(conflict, error.status, version)
