"""All wire formats of a service, in one table: what stands at each path."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from service.json_values import encode
from service.prediction.exchange import Answer, Asked, Resource, constant
from service.prediction.recording import RecordedPredictor, recorded
from service.protocols.infer import InferEndpoint
from service.protocols.invocations import PATH as INVOCATIONS
from service.protocols.invocations import Invocations
from service.protocols.kserve_v1 import KServeV1
from service.protocols.open_inference.endpoint import OpenInference
from service.protocols.open_inference.messages import LENGTH_PARAMETER
from service.schema.usual import NOTHING_USUAL

if TYPE_CHECKING:
    from service.prediction.exchange import Handler
    from service.prediction.model_names import ModelNames
    from service.prediction.predictor import Predictor
    from service.schema.usual import UsualValues

READY = encode({"status": "ready"})


@dataclass(frozen=True)
class Interface:
    """What the settings say of the wire formats.

    `model_names` are further names of the model. `predict_route` and `health_route` are paths that Vertex AI
    chooses; they may be paths of other wire formats, and come first then. With `records`, values of requests
    can be logged. With `asks_token`, the service answers only with a token.
    """

    model_names: tuple[str, ...] = ()
    predict_route: str = ""
    health_route: str = ""
    max_body_bytes: int = 0
    version: str = ""
    records: bool = False
    asks_token: bool = False


USUAL = Interface()


def make_resources(
    endpoint: InferEndpoint,
    predictor: Predictor,
    names: ModelNames,
    interface: Interface,
    usual: UsualValues = NOTHING_USUAL,
) -> dict[str, Resource]:
    """Give what stands at each path, for one model."""
    open_inference = OpenInference(predictor, names, version=interface.version, usual=usual)
    kserve_v1 = KServeV1(predictor, names)
    invocations = Invocations(predictor, version=interface.version, max_body_bytes=interface.max_body_bytes)
    infer = open_inference.inferring(names.names[0])
    found = {
        **open_inference.resources(),
        **kserve_v1.resources(),
        **invocations.resources(),
        **endpoint.resources(),
    }
    found[INVOCATIONS] = _or_tensors(found[INVOCATIONS], infer)
    if interface.health_route:
        route = interface.health_route
        found[route] = constant(route, "vertex", Answer(READY))
    if interface.predict_route:
        route = interface.predict_route
        before = found.get(route)
        posted = _or_tensors(kserve_v1.predicting(route), infer)
        methods = {**(before.methods if before else {}), **posted.methods}
        found[route] = Resource(route, posted.protocol, methods, predicts=True)
    if interface.records:
        noted = RecordedPredictor(predictor)
        without = replace(interface, records=False)
        return recorded(found, make_resources(InferEndpoint(noted), noted, names, without, usual))
    return found


def _or_tensors(resource: Resource, infer: Handler) -> Resource:
    """Let a path also take tensors, told by Triton's content types for SageMaker and Vertex AI."""
    usual = resource.methods["POST"]

    def answer(asked: Asked) -> Answer:
        is_tensors = LENGTH_PARAMETER in asked.header("content-type")
        return infer(asked) if is_tensors else usual(asked)

    return Resource(resource.route, resource.protocol, {**resource.methods, "POST": answer}, predicts=True)
