"""Reading CatBoost's own files (`.cbm`): the columns, the loss and the classes of the model.

After the four bytes `CBM1` and the size of it, a file holds a table of FlatBuffers whose fields are those of
`catboost/libs/model/flatbuffers/model.fbs` and `features.fbs`. Its map of texts has the parameters of the
training, the classes and CatBoost's version. The trees are not read.
"""

from __future__ import annotations

import json
import re
import struct
from typing import TYPE_CHECKING, Any

from infer_cli.inspection.facts.booster_files import CLASSES_MAX, FEATURES_MAX, BoosterColumn, BoosterFile
from infer_cli.inspection.files.refusal import Refused
from infer_cli.inspection.formats.flatbuffers import Table, root_of

if TYPE_CHECKING:
    from infer_cli.inspection.facts.model import EstimatorKind
    from infer_cli.inspection.files.stream import Stream
    from infer_cli.inspection.nodes.arrays import Plain

HINT = "Save the model again, with model.save_model('model.cbm')."
MAGIC = b"CBM1"
# The positions of fields in their tables.
_TREES, _INFO = 1, 2
_KEY, _VALUE = 0, 1
_CAT_FEATURES, _FLOAT_FEATURES, _TEXT_FEATURES = 4, 5, 12
# In the table of a float feature, and in that of a categorical or text feature.
_FLOAT_FLAT_INDEX, _FLOAT_ID = 2, 4
_FLAT_INDEX, _ID = 1, 2
INFO_MAX = 1000
RANKERS = frozenset(
    {"LambdaMart", "PairLogit", "PairLogitPairwise", "QueryCrossEntropy", "QueryRMSE", "QuerySoftMax"}
    | {"StochasticFilter", "StochasticRank", "YetiRank", "YetiRankPairwise"}
)
# The release in what CatBoost writes of its own build, as in `Branch: tags/v1.2.10`.
_VERSION = re.compile(r"tags/v(\d+(?:\.\d+)+)")


def read_catboost(stream: Stream, size_bytes: int) -> BoosterFile:
    """Read a file of CatBoost; raise `Refused` if it is none."""
    try:
        return _described(root_of(_core(stream, size_bytes)))
    except (AttributeError, LookupError, OverflowError, TypeError, ValueError, struct.error) as error:
        reason = f"is no CatBoost model that infer reads ({type(error).__name__}: {error})"
        raise Refused(reason, hint=HINT) from error


def _core(stream: Stream, size_bytes: int) -> bytes:
    (size,) = struct.unpack_from("<I", stream.read(len(MAGIC) + 4), len(MAGIC))
    if size > size_bytes:
        message = "its size is larger than that of the file"
        raise ValueError(message)
    return stream.read(size)


def _described(core: Table) -> BoosterFile:
    info = {table.text(_KEY): table.text(_VALUE) for table in core.tables(_INFO, INFO_MAX)}
    trees = core.table(_TREES)
    found: dict[int, tuple[str, BoosterColumn]] = {}
    for table in trees.tables(_FLOAT_FEATURES, FEATURES_MAX):
        found[table.integer(_FLOAT_FLAT_INDEX, -1)] = (table.text(_FLOAT_ID), BoosterColumn())
    for field in (_CAT_FEATURES, _TEXT_FEATURES):
        for table in trees.tables(field, FEATURES_MAX):
            column = BoosterColumn("text", nullable=False)
            found[table.integer(_FLAT_INDEX, -1)] = (table.text(_ID), column)
    if not found or set(found) != set(range(len(found))):
        reason = "takes columns of a kind that infer does not serve, such as embeddings"
        raise Refused(reason, hint="Train the model with columns of numbers, categories and texts.")
    names = [found[at][0] or str(at) for at in range(len(found))]
    is_numbered = names == [str(at) for at in range(len(names))]
    columns = tuple(found[at][1] for at in range(len(found)))
    loss = _loss(info)
    classes = _classes(info)
    kind: EstimatorKind = "other" if loss in RANKERS else "regressor"
    version = _VERSION.search(info.get("catboost_version_info", ""))
    texts = [name for name, column in zip(names, columns, strict=True) if column.type == "text"]
    return BoosterFile(
        library="catboost",
        kind="classifier" if classes else kind,
        objective=loss,
        names=None if is_numbered else tuple(names),
        columns=columns,
        class_count=len(classes),
        classes=classes or None,
        version=version[1] if version else "",
        frame_reason=f"takes named columns of several types: {texts[0]} is a text" if texts else None,
    )


def _parsed(text: str) -> Any:  # noqa: ANN401 (JSON, each value of which is checked where it is used)
    try:
        return json.loads(text)
    except RecursionError as error:
        message = "too many brackets"
        raise ValueError(message) from error


def _loss(info: dict[str, str]) -> str:
    parameters: Any = _parsed(info.get("params") or "{}")
    return str(parameters.get("loss_function", {}).get("type", ""))


def _classes(info: dict[str, str]) -> tuple[Plain, ...]:
    """Give the labels of a classifier, an empty tuple for any other model."""
    described: Any = _parsed(info.get("class_params") or "{}")
    labels = described.get("class_names") or described.get("class_to_label") or []
    if not isinstance(labels, list) or len(labels) > CLASSES_MAX:
        message = "its classes are no list"
        raise TypeError(message)
    if not all(isinstance(label, bool | int | float | str) for label in labels):
        message = "a class is neither a string, a number nor a boolean"
        raise TypeError(message)
    return tuple(labels)
