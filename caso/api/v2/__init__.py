"""caso's own API: intervals, use by months, and the lives of resources. It only reads."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, request

from caso.api import guard
from caso.api.answers import JSON, document
from caso.api.desk import Desk
from caso.api.v2 import openapi, projects, resources, site, usage
from caso.api.v2.asking import Asked, Operation

OPERATIONS: tuple[Operation, ...] = (*projects.OPERATIONS, *usage.OPERATIONS, *resources.OPERATIONS, *site.OPERATIONS)


def blueprint(desk: Desk) -> Blueprint:
    """All operations, and the document that describes them, which anybody may read."""
    made = Blueprint("v2", __name__)
    for operation in OPERATIONS:
        path = operation.path.replace("{", "<").replace("}", ">")
        made.add_url_rule(path, operation.id, _view(desk, operation), methods=["GET"])
    described = openapi.described(OPERATIONS, desk.settings.version)

    def description() -> Response:
        return document(described)

    setattr(description, guard.OPEN, True)
    made.add_url_rule("/openapi.json", "openapi", description, methods=["GET"])
    return made


def _view(desk: Desk, operation: Operation) -> Callable[..., Response]:
    def view(**path_values: str) -> Response:
        values = operation.read(path_values, request.args.to_dict(flat=False))
        asked = Asked(
            store=desk.store,
            settings=desk.settings,
            now=desk.clock(),
            caller=guard.caller(),
            path=request.script_root + request.path,
            query=request.args.to_dict(),
            sent=values,
        )
        return Response(operation.answer(asked).model_dump_json(), content_type=JSON)

    return view
