"""The OpenAPI document of /v2 is what /v2 does: schemathesis asks all that it allows, and much that it does not."""

import re
from datetime import UTC, datetime

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema_rs import meta
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from caso.api.v2 import OPERATIONS

# Python knows neither leap seconds nor the year 0; all others are read.
TIMES = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  # hypothesis' way
schemathesis.openapi.format("date-time", TIMES.map(lambda time: time.isoformat().replace("+00:00", "Z")))

EXAMPLES = 20
CONTRADICTION = re.compile("end: it lies before start|from: .* is later than|from .* ask for 120 at most")
"""Of parameters that are right one by one; JSON Schema cannot say it."""


@pytest.fixture
def document(app):
    """Anybody may read it."""
    return app.test_client().get("/v2/openapi.json").get_json()


@pytest.fixture
def schema(app):
    return schemathesis.openapi.from_wsgi("/v2/openapi.json", app)


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=lambda mode: mode.value)
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.id)
def test_v2_does_what_its_document_says(schema, operation, mode):
    described = schema[f"/v2{operation.path}"]["GET"]

    @given(described.as_strategy(generation_mode=mode))
    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    def ask(case):
        answer = case.call(headers={"X-Auth-Token": "all"})
        contradicts = answer.status_code == 400 and CONTRADICTION.match(answer.json()["error"])
        case.validate_response(
            answer, headers={"X-Auth-Token": "all"}, excluded_checks=[positive_data_acceptance] if contradicts else []
        )

    ask()


def test_the_document_describes_each_operation_and_all_of_its_statuses(document):
    assert document["openapi"] == "3.1.0"
    assert set(document["paths"]) == {f"/v2{operation.path}" for operation in OPERATIONS}
    for operation in OPERATIONS:
        described = document["paths"][f"/v2{operation.path}"]["get"]
        expected = {"200", "400", "401", "403", "503", *(str(status) for status in operation.statuses)}
        assert set(described["responses"]) == expected
        assert {one["name"] for one in described["parameters"]} == {
            *re.findall("{(.*?)}", operation.path),
            *(one.name for one in operation.query),
        }


def test_every_parameter_and_every_field_of_an_object_is_described_by_a_schema_that_is_one(document):
    parameters = [one for path in document["paths"].values() for one in path["get"]["parameters"]]

    for one in parameters:
        meta.validate(one["schema"])
        assert one["description"]
    for described in document["components"]["schemas"].values():
        meta.validate(described)
        assert described.get("additionalProperties") is False or "enum" in described
        assert sorted(described.get("required", [])) == sorted(described.get("properties", {}))
