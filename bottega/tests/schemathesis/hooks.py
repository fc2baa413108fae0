"""What schemathesis cannot know: which things there are, and that one credential is enough."""

import json
import os

import schemathesis

# Of each operation, the ids of things that are there: {"GET /v1/files/{id}": {"id": "…"}}.
THERE = json.loads(os.environ.get("BOTTEGA_THERE", "{}"))


@schemathesis.hook
def before_call(context, case, kwargs):
    # The token is sent with every request; a second credential is refused, whatever else is right.
    if case.headers:
        case.headers.pop("X-Api-Key", None)
    there = THERE.get(f"{case.operation.method.upper()} {case.operation.path}")
    # Every other request is about something that is there, by what was made up for it: the same ones in every run.
    if there and case.path_parameters and sum(str(case.path_parameters).encode()) % 2:
        case.path_parameters = {**case.path_parameters, **there}
