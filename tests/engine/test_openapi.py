"""The OpenAPI document says what is there, and what it says holds for whatever is sent."""

from __future__ import annotations

import os
from collections import Counter
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from openapi_spec_validator import validate
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from app.engine import policy, registry
from app.engine.adapters.appbuilder import api_keys
from tests import factories
from tests.factories import PASSWORD, make

FULL = os.environ.get("STEWARD_PROOF") == "full"
EXAMPLES = 60 if FULL else 3
"""Requests for each operation, well-formed and malformed ones each."""

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


def document(client: Any) -> Any:
    answer = client.get("/api/v1/_openapi")
    assert answer.status_code == 200, answer.text
    return answer.json


def test_the_document_is_valid(client: Any) -> None:
    validate(document(client))


def test_every_entity_and_field_is_described(client: Any) -> None:
    described = document(client)
    schemas, paths = described["components"]["schemas"], described["paths"]
    for definition in registry.current().entities.values():
        base = f"/api/v1/{definition.key}"
        assert set(schemas[definition.name]["properties"]) == set(definition.fields)
        assert set(paths[f"{base}/"]) == {"get", "post"}
        assert set(paths[f"{base}/{{record_id}}"]) == {"get", "put", "delete", "parameters"}
        assert f"{base}/_info" in paths
        assert f"{base}/trash" in paths
        assert (f"{base}/{{record_id}}/approve" in paths) == definition.review
        written = schemas[f"{definition.name}.post"]["properties"]
        assert not {"id", "version", "created_at"} & set(written)
    assert "/api/v1/security/login" in paths


def test_each_person_reads_of_what_they_may_do(browser: Any) -> None:
    described = document(browser("guest"))
    schemas, paths = described["components"]["schemas"], described["paths"]
    assert "notes" not in schemas["Customer"]["properties"]
    assert schemas["Customer"]["properties"]["phone"]["type"] == "string"
    assert set(paths["/api/v1/customer/"]) == {"get"}
    assert "/api/v1/parcel/" not in paths
    assert "/api/v1/customer/trash" not in paths


def test_labels_are_the_readers(client: Any) -> None:
    answer = client.get("/api/v1/_openapi", headers={"Accept-Language": "zh"}).json
    assert answer["components"]["schemas"]["Customer"]["properties"]["name"]["title"] == "客户名称"


def token(app: Any, name: str) -> dict[str, str]:
    body = {"username": name, "password": PASSWORD, "provider": "db"}
    answer = app.test_client().post("/api/v1/security/login", json=body)
    return {"Authorization": f"Bearer {answer.json['access_token']}"}


def api_key() -> dict[str, str]:
    _key, given = api_keys.make(factories.user_id("admin"), "Reports", False, None, 30)
    return {"Authorization": f"Bearer {given}"}


@pytest.mark.proof
@pytest.mark.parametrize("who", ["admin", "guest", "a key to read", None])
def test_whatever_is_sent_is_answered_as_described(app: Any, browser: Any, who: str | None) -> None:
    with policy.acting_as(factories.viewer("admin")):
        for name in ("Parcel", "Contact", "CustomField"):
            make(name)
    described = document(browser("admin"))
    if not FULL:
        described["paths"] = {
            path: item
            for path, item in described["paths"].items()
            if path.split("/")[3] in ("parcel", "custom_field", "security", "menu", "_openapi")
        }
    headers = api_key() if who == "a key to read" else token(app, who) if who else {}
    schema = schemathesis.openapi.from_dict(described)
    schema.app = app
    statuses: Counter[int] = Counter()
    failures: dict[str, str] = {}
    for result in schema.get_all_operations():
        for mode in GenerationMode:
            send(app, result.ok(), mode, headers, statuses, failures)
    assert not failures, "\n\n".join(failures.values())
    if who is None:
        assert not {200, 201} & set(statuses)
    else:
        assert statuses[200]


def send(
    app: Any,
    operation: Any,
    mode: GenerationMode,
    headers: dict[str, str],
    statuses: Counter[int],
    failures: dict[str, str],
) -> None:
    """Generate requests for one operation; gather what is not answered as described."""
    if mode.is_negative and not _can_be_malformed(operation):
        return

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def run(case: Any) -> None:
        with app.app_context():
            answer = case.call(headers=headers)
        statuses[answer.status_code] += 1
        try:
            case.validate_response(answer, checks=CHECKS)
        except FailureGroup as group:
            failures.setdefault(operation.label, f"{operation.label}: {group}")

    run()


def _can_be_malformed(operation: Any) -> bool:
    parts = (operation.path_parameters, operation.query, operation.headers, operation.body)
    return any(list(part) for part in parts)
