"""Errors in the form of the wire format that a client speaks, chosen by the path."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.protocols import invocations, kserve_v1
from service.protocols.open_inference import endpoint as open_inference

if TYPE_CHECKING:
    from service.json_values import JsonValue
    from service.prediction.exchange import Resource
    from service.prediction.model_names import ModelNames

# Clients of these read `error` as a text.
_TEXTS = (open_inference.PROTOCOL, kserve_v1.PROTOCOL)
_ROOTS = {open_inference.ROOT: open_inference.PROTOCOL, "/v1": kserve_v1.PROTOCOL}


def protocol_at(path: str, resource: Resource | None) -> str:
    """Name the wire format of a path, also of one at which nothing stands."""
    if resource is not None:
        return resource.protocol
    found = (name for root, name in _ROOTS.items() if path == root or path.startswith(f"{root}/"))
    return next(found, "infer")


def explain_absent(path: str, names: ModelNames) -> str:
    """Say why there is nothing at a path: which model or version is not here, where it names one."""
    for before in (open_inference.MODELS, kserve_v1.MODELS):
        if path.startswith(f"{before}/"):
            return names.explain_absent(path, before)
    return f"There is nothing at {path}."


def error_json(protocol: str, code: str, message: str, details: JsonValue = None) -> JsonValue:
    """Write an error as clients of the wire format read it."""
    if protocol in _TEXTS:
        return {"error": message}
    if protocol == invocations.PROTOCOL:
        return {"error_code": code.upper(), "message": message, "details": details}
    return {"error": {"code": code, "message": message, "details": details}}
