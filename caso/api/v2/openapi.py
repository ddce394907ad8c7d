"""The OpenAPI document of /v2, made of the operations, their parameters and the documents that they answer with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic.json_schema import models_json_schema

from caso.api.guard import V2
from caso.api.v2.asking import Operation
from caso.api.v2.documents import Document, Fault
from caso.api.v2.parameters import Parameter

COMPONENTS = "#/components/schemas/"
TOKEN = "token"  # noqa: S105 (how the document calls what it is sent in)

SHARED: Mapping[int, str] = {
    400: "A parameter cannot be read; the answer says which, and what to write.",
    401: "There is no token, or one that is not known or no longer valid.",
    403: "The token does not let its owner read this.",
    503: "The store, or Keystone, does not answer now; ask again later.",
}
"""What any operation may answer, besides what it is asked for."""


def described(operations: Sequence[Operation], version: str) -> dict[str, Any]:
    models: set[type[Document]] = {Fault, *(operation.answers for operation in operations)}
    _, schemas = models_json_schema(
        [(model, "serialization") for model in sorted(models, key=str)], ref_template=COMPONENTS + "{model}"
    )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "caso",
            "version": version,
            "summary": "What the projects of an OpenStack cloud had, and used.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "security": [{TOKEN: []}],
        "paths": {V2 + operation.path: {"get": _operation(operation)} for operation in operations},
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {
                TOKEN: {
                    "type": "apiKey",
                    "in": "header",
                    "name": "X-Auth-Token",
                    "description": "A token of Keystone, or the private key.",
                }
            },
        },
    }


def _operation(operation: Operation) -> dict[str, Any]:
    statuses = sorted({**SHARED, **operation.statuses}.items())
    return {
        "operationId": operation.id,
        "summary": operation.summary,
        "parameters": [*_parameters(operation.path_parameters, "path"), *_parameters(operation.query, "query")],
        "responses": {
            "200": {"description": "As asked.", "content": _json(operation.answers.__name__)},
            **{str(status): _fault(status, said) for status, said in statuses},
        },
    }


def _parameters(parameters: Iterable[Parameter], where: str) -> list[dict[str, Any]]:
    return [
        {"name": one.name, "in": where, "description": one.description, "required": where == "path", "schema": dict(one.schema)}
        for one in parameters
    ]


def _fault(status: int, said: str) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": said, "content": _json(Fault.__name__)}
    if status == 503:
        answer["headers"] = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}}
    return answer


def _json(model: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": COMPONENTS + model}}}
