"""The trash by REST: what is in it, bringing back, purging."""

from __future__ import annotations

from apispec import APISpec
from werkzeug.wrappers import Response

from app.engine.adapters.appbuilder.views import Api, api_entity, expose
from app.engine.changes import change_set
from app.engine.registry import EntityDefinition
from app.engine.surfaces.rest import query as asked
from app.engine.surfaces.rest.api import DOOR, RECORD, list_answer, record_answer
from app.engine.surfaces.rest.output import answer
from app.engine.surfaces.rest.spec import add_trash


class TrashApi(Api):
    """/api/v1/<key>/trash…"""

    openapi_spec_tag = "Trash"

    @expose("/<key>/trash")
    @api_entity("delete")
    def get_list(self, definition: EntityDefinition) -> Response:
        """A page of the records in the trash, as `q` asks for them."""
        return list_answer(definition, asked.list_query(), trash=True)

    @expose(f"{RECORD}/restore", methods=["POST"])
    @api_entity("delete")
    def restore(self, definition: EntityDefinition, record_id: int) -> Response:
        """Bring a record back."""
        with change_set(DOOR) as changes:
            record = changes.restore(definition, record_id)
        return record_answer(definition, record, 200)

    @expose(RECORD.replace("<key>", "<key>/trash"), methods=["DELETE"])
    @api_entity("purge")
    def purge(self, definition: EntityDefinition, record_id: int) -> Response:
        """Take a record out of the trash for good."""
        with change_set(DOOR) as changes:
            changes.purge(definition, record_id)
        return answer({"message": "OK"})

    def add_api_spec(self, api_spec: APISpec) -> None:
        """Flask-AppBuilder asks each API for its part of the OpenAPI document."""
        self.add_apispec_components(api_spec)
        add_trash(api_spec)
