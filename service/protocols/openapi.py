"""A description of the service's own interface in OpenAPI 3.0, made of the model that it serves.

It is precise: a row that it allows gets an answer, and one that it forbids gets a refusal. What the model
itself refuses, which no schema can say, is the status 422. Version 3.0 is what tools of every age read.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, cast
from urllib.parse import quote

from service.json_values import JsonValue, encode
from service.prediction.exchange import Answer, Resource
from service.protocols import kserve_v1
from service.protocols.answer_schemas import WHOLE, answer_schemas, closed_object
from service.protocols.description import example_row, example_text
from service.protocols.infer import PATH as PREDICTION
from service.protocols.outputs import CHOICE
from service.protocols.readings import two_readings
from service.protocols.value_schemas import TEXT, Schema, checked_schema, query_schema, value_schema

if TYPE_CHECKING:
    from collections.abc import Mapping

    from service.prediction.model_names import ModelNames
    from service.prediction.predictor import Predictor
    from service.schema.features import Feature
    from service.schema.usual import UsualValues

VERSION = "3.0.3"
PATH = "/openapi.json"
BOOLEAN: Schema = {"type": "boolean"}
NULLABLE_TEXT: Schema = {"type": "string", "nullable": True}
ERRORS = {
    "400": "A field is wrong, or the body is not JSON; `details` names each wrong field.",
    "413": "The body is longer, or has more rows, than the service takes.",
    "415": "The body is of another media type.",
    "422": "The model itself refuses a row.",
    "500": "A fault inside; the log of the service says more.",
    "503": "More predictions wait than the worker takes on; `Retry-After` says when to ask again.",
    "504": "The deadline of the request passed before the model was asked.",
}
# What a token gets that will not do. An error has the form of the path that was asked, so it is not described
# further.
_REFUSALS: Schema = {
    name: {"description": text, "content": {"application/json": {"schema": {"type": "object"}}}}
    for name, text in (
        ("Unauthorized", "The token is missing, or is none of this service."),
        ("Forbidden", "The token lacks the scope for this."),
    )
}
_NEED_NO_TOKEN = ("/livez", "/readyz")
OTHERS = (
    "Clients of other servers are answered, too: those of Triton and KServe with Open Inference version 2 at "
    "`/v2` and version 1 at `/v1`, those of MLflow and SageMaker at `/invocations`."
)


class OpenApi:
    """Describes the interface of one served model; `described` is what `GET /model` answers."""

    def __init__(
        self,
        predictor: Predictor,
        names: ModelNames,
        described: Mapping[str, JsonValue],
        usual: UsualValues,
        version: str = "",
        *,
        asks_token: bool = False,
    ) -> None:
        self._predictor = predictor
        self._names = names
        self._described = described
        self._usual = usual
        self._version = version
        self._asks_token = asks_token
        self._features = predictor.features
        self._results = [*predictor.model.results, *predictor.model.further_results]

    def resource(self) -> Resource:
        """Give what stands at the path of the document."""
        return Resource(PATH, "infer", {"GET": lambda _: Answer(self._encoded)})

    @cached_property
    def _encoded(self) -> bytes:
        # It asks the model for a row, so it is made when somebody wants it, and not while the service starts.
        return encode(self.document())

    def document(self) -> Schema:
        """Make the document."""
        kind, estimator, file = (str(self._described[name]) for name in ("kind", "estimator", "file"))
        components: Schema = {"schemas": cast("JsonValue", self._schemas())}
        document: Schema = {
            "openapi": VERSION,
            "info": {
                "title": file,
                "description": f"Predictions of {file}: {estimator}, {kind.replace('_', ' ')}. {OTHERS}",
                "version": self._version or "0",
            },
            # Relative to this document: a proxy may put the service below a path of its own.
            "servers": [{"url": "."}],
            "paths": self._paths(),
            "components": components,
        }
        if self._asks_token:
            components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
            components["responses"] = _REFUSALS
            document["security"] = [{"token": []}]
            _ask_token(cast("dict[str, dict[str, Schema]]", document["paths"]))
        return document

    def _paths(self) -> Schema:
        row = example_row(self._features, self._usual)
        version_1 = f"{kserve_v1.MODELS}/{quote(self._names.names[0], safe='')}:predict"
        return {
            PREDICTION: {"get": self._get(), "post": self._post(row)},
            "/model": _plain("model", "What is served", "Model"),
            "/livez": _plain("live", "Whether the service runs", "Status"),
            "/readyz": _plain("ready", "Whether the service answers predictions", "Status"),
            "/metrics": _metrics(),
            version_1: _version_1(row),
        }

    def _get(self) -> Schema:
        many: list[JsonValue] = [self._parameter(feature) for feature in self._features]
        # A feature of this name keeps its meaning.
        chooses = all(feature.name != CHOICE for feature in self._features)
        return {
            "operationId": "predict_one",
            "summary": "One prediction, for the row in the query",
            "tags": ["prediction"],
            "parameters": [*many, self._choice()] if chooses else many,
            "responses": {
                **_answer("Prediction", "The prediction, and the row as it was read.", chosen=chooses),
                **_errors("400", "422", "500", "503", "504"),
            },
        }

    def _post(self, row: dict[str, JsonValue]) -> Schema:
        schema: Schema = {"oneOf": [_reference("Rows"), _reference("Row")]}
        return {
            "operationId": "predict",
            "summary": "Predictions for rows, or for one object of features",
            "tags": ["prediction"],
            "parameters": [self._choice()],
            "requestBody": _body(schema, {"rows": [row]}),
            "responses": {
                **_answer("Predictions", "An element for each row.", chosen=True),
                **_errors(*ERRORS),
            },
        }

    def _choice(self) -> Schema:
        names: list[JsonValue] = [*self._results]
        return {
            "name": CHOICE,
            "in": "query",
            "description": "The results that the answer has, each called as the method that gives it.",
            "schema": {"type": "array", "items": {"type": "string", "enum": names}},
        }

    def _parameter(self, feature: Feature) -> Schema:
        found: Schema = {
            "name": feature.name,
            "in": "query",
            "required": feature.required,
            "schema": query_schema(feature),
        }
        if feature.nullable:
            found["allowEmptyValue"] = True
        if not two_readings(feature, example_text(feature, self._usual)):
            found["example"] = example_row([feature], self._usual)[feature.name]
        return found

    def _schemas(self) -> dict[str, Schema]:
        parts = answer_schemas(self._predictor, self._usual)
        rows: Schema = {"type": "array", "minItems": 1, "items": _reference("Row")}
        read = {feature.name: checked_schema(feature) for feature in self._features}
        many = {
            ("predictions" if name == "prediction" else name): _each(part) for name, part in parts.items()
        }
        chosen = self._chosen(parts)
        return {
            "Row": self._row(),
            "Rows": closed_object({"rows": rows}),
            "Prediction": _with_remarks({"inputs": closed_object(read), **parts}),
            "Predictions": _with_remarks(many),
            # Any of the results that `output` chooses, by their names.
            "ChosenResult": _closed(_with_remarks({"inputs": closed_object(read)}, **chosen)),
            "ChosenResults": _closed(_with_remarks({}, **{name: _each(one) for name, one in chosen.items()})),
            "Instances": _object({"instances": _each(_reference("Row"))}),
            "InstancePredictions": _with_remarks({"predictions": _each(parts["prediction"])}),
            "Model": _model(),
            "Status": _object({"status": TEXT}),
            "Error": _object({"error": _error()}),
            "ErrorMessage": _object({"error": TEXT}),
            "NonFinite": _object({"field": TEXT, "value": TEXT}, row=WHOLE),
            "Warning": _object({"field": TEXT, "problem": TEXT, "message": TEXT}, row=WHOLE, value={}),
        }

    def _chosen(self, parts: dict[str, Schema]) -> dict[str, Schema]:
        """Describe the results that a client may choose; of most only that they are there."""
        main = self._predictor.model.method
        found = {name: parts.get(name, {}) for name in self._results}
        beside: dict[str, Schema] = {"kneighbors.distances": {}} if "kneighbors" in self._results else {}
        return {**found, main: parts["prediction"], **beside}

    def _row(self) -> Schema:
        row = closed_object({feature.name: value_schema(feature) for feature in self._features})
        required: list[JsonValue] = [feature.name for feature in self._features if feature.required]
        del row["required"]
        return {**row, "required": required} if required else row


def _ask_token(paths: dict[str, dict[str, Schema]]) -> None:
    """Say for each operation what a token that is missing or may not do it gets; health needs no token."""
    for path, operations in paths.items():
        for operation in operations.values():
            if path in _NEED_NO_TOKEN:
                operation["security"] = []
                continue
            responses = cast("Schema", operation["responses"])
            for status, name in (("401", "Unauthorized"), ("403", "Forbidden")):
                responses[status] = {"$ref": f"#/components/responses/{name}"}


def _version_1(row: dict[str, JsonValue]) -> Schema:
    statuses = [status for status in ERRORS if status != "415"]
    return {
        "post": {
            "operationId": "predict_instances",
            "summary": "The same for clients of KServe's version 1 and Vertex AI",
            "description": "An instance may also be a list of values, in the order of the features.",
            "tags": ["other clients"],
            "requestBody": _body(_reference("Instances"), {"instances": [row]}),
            "responses": {
                **_answer("InstancePredictions", "An element for each instance."),
                **_errors(*statuses, schema="ErrorMessage"),
            },
        }
    }


def _plain(operation: str, summary: str, schema: str) -> Schema:
    responses = _answer(schema, f"{summary}.")
    return {
        "get": {"operationId": operation, "summary": summary, "tags": ["service"], "responses": responses}
    }


def _metrics() -> Schema:
    content: Schema = {"text/plain": {"schema": TEXT}, "application/openmetrics-text": {"schema": TEXT}}
    answer: Schema = {"description": "Metrics, in the form that `Accept` names.", "content": content}
    return {
        "get": {
            "operationId": "metrics",
            "summary": "Counts and durations, for Prometheus",
            "tags": ["service"],
            "responses": {"200": answer},
        }
    }


def _body(schema: Schema, example: JsonValue) -> Schema:
    return {"required": True, "content": {"application/json": {"schema": schema, "example": example}}}


def _answer(schema: str, description: str, *, chosen: bool = False) -> Schema:
    found = _reference(schema)
    if chosen:
        other = schema.replace("Prediction", "ChosenResult")
        found = {"anyOf": [found, _reference(other)]}
    return {
        "200": {
            "description": description,
            "content": {"application/json": {"schema": found}},
        }
    }


def _errors(*statuses: str, schema: str = "Error") -> Schema:
    content: Schema = {"application/json": {"schema": _reference(schema)}}
    found: Schema = {status: {"description": ERRORS[status], "content": content} for status in statuses}
    wait: Schema = {"description": "Seconds until the service may be asked again.", "schema": WHOLE}
    found["503"] = {"description": ERRORS["503"], "content": content, "headers": {"Retry-After": wait}}
    return found


def _reference(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _each(schema: Schema) -> Schema:
    return {"type": "array", "items": schema}


def _object(properties: dict[str, Schema], **optional: Schema) -> Schema:
    """Describe an object that has these parts, and may have the optional ones and others."""
    parts = cast("JsonValue", {**properties, **optional})
    found: Schema = {"type": "object", "properties": parts}
    # An empty list is none in version 3.0.
    return {**found, "required": [*properties]} if properties else found


def _with_remarks(properties: dict[str, Schema], **optional: Schema) -> Schema:
    return _object(
        properties,
        **optional,
        non_finite=_each(_reference("NonFinite")),
        non_finite_count=WHOLE,
        warnings=_each(_reference("Warning")),
        warning_count=WHOLE,
    )


def _closed(schema: Schema) -> Schema:
    return {**schema, "additionalProperties": False}


def _model() -> Schema:
    feature = _object(
        {"name": TEXT, "type": TEXT, "required": BOOLEAN, "nullable": BOOLEAN},
        needs_types=BOOLEAN,
        categories=_each({}),
        category_count=WHOLE,
        accepts_others=BOOLEAN,
        range=_each({"type": "number"}),
        range_source=TEXT,
    )
    texts = dict.fromkeys(("kind", "estimator", "method", "file", "digest", "example"), TEXT)
    return _object(
        {
            **texts,
            "features": _each(feature),
            "classes": {"type": "array", "items": {}, "nullable": True},
            "size_bytes": WHOLE,
            "packages": {"type": "object", "additionalProperties": TEXT},
            "path": _object({"kind": TEXT}),
        },
        positional=BOOLEAN,
        outputs=_each(TEXT),
        output_count=WHOLE,
        example_body={"type": "object"},
    )


def _error() -> Schema:
    field = _object(
        {"field": NULLABLE_TEXT, "problem": TEXT, "message": TEXT},
        row=WHOLE,
        value={},
        categories=_each({}),
    )
    details = _object({}, count=WHOLE, fields=_each(field), row=WHOLE, exception=TEXT)
    return _object({"code": TEXT, "message": TEXT, "details": {**details, "nullable": True}})
