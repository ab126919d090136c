"""The model that is served, with everything that is derived from it, in one slot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from service.schema.usual import NOTHING_USUAL

if TYPE_CHECKING:
    from collections.abc import Mapping

    from service.json_values import JsonValue
    from service.prediction.exchange import Resource
    from service.prediction.model_names import ModelNames
    from service.prediction.predictor import Predictor
    from service.schema.features import Feature
    from service.schema.usual import UsualValues


class Endpoint(Protocol):
    """The service's own wire format, without HTTP. Both methods raise `InvalidInput`."""

    def answer_query(self, query: str) -> bytes:
        """Answer for the one row of a query, which is the part of a URL after `?`."""

    def answer_body(self, body: bytes) -> tuple[bytes, int]:
        """Answer for the rows of a body; also give how many rows there are."""


@dataclass(frozen=True)
class ServedModel:
    """One model as it is served.

    `description` is what `GET /model` answers, `digest` is `sha256:…`, and `usual` tells usual values of
    the features. `names` are those under which clients ask for the model. `resources` are what the wire
    formats answer, by path.
    """

    predictor: Predictor
    endpoint: Endpoint
    description: Mapping[str, JsonValue]
    features: tuple[Feature, ...]
    digest: str
    names: ModelNames
    resources: Mapping[str, Resource]
    usual: UsualValues = NOTHING_USUAL


class ModelSlot:
    """Holds the served model: whatever answers a request reads `served` once, and so answers from one model.

    Another model is served by assigning it, which is one step of the interpreter.
    """

    __slots__ = ("served",)

    def __init__(self, served: ServedModel) -> None:
        self.served = served
