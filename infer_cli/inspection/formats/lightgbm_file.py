"""Reading LightGBM's own files (text), apart from their trees.

The format is that of `GBDT::SaveModelToString` in LightGBM's `src/boosting/gbdt_model_text.cpp`; the Python
package adds a last line with the categories of pandas.
`service/loading/lightgbm_file.py` reads the same of a file that it loads, checks the trees, and is what
counts when a model is served.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from infer_cli.inspection.facts.booster_files import CLASSES_MAX, FEATURES_MAX, BoosterColumn, BoosterFile
from infer_cli.inspection.facts.boosters import HIDDEN, candidates, placed
from infer_cli.inspection.files.refusal import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from infer_cli.inspection.files.stream import Stream
    from infer_cli.inspection.nodes.arrays import Plain

HINT = "Save the model again, with booster.save_model('model.txt')."
# Objectives whose predictions are probabilities of classes, those of ranks, and one that is not known.
CLASSIFIERS = frozenset({"binary", "multiclass", "multiclassova"})
OTHERS = frozenset({"lambdarank", "rank_xendcg", "custom", ""})
# The names that LightGBM gives to columns without names.
NUMBERED = re.compile(r"Column_\d+")
TREES = b"\nTree=0\n"
END = b"\nend of trees"
PARAMETERS, END_OF_PARAMETERS = b"\nparameters:", b"\nend of parameters"
PANDAS = b"\npandas_categorical:"
# Older versions call the parameter `categorical_column`.
CATEGORICAL = re.compile(rb"^\[categorical_(?:feature|column): ([\d,]*)\]\r?$", re.MULTILINE)


def read_lightgbm(stream: Stream, size_bytes: int) -> BoosterFile:
    """Read a file of LightGBM; raise `Refused` if it is none."""
    content = stream.read(size_bytes)
    try:
        at = content.index(TREES)
        return described(fields_of(content[:at]), content[at:])
    except (KeyError, IndexError, OverflowError, RecursionError, TypeError, ValueError) as error:
        reason = f"is no LightGBM model that infer reads ({type(error).__name__}: {error})"
        raise Refused(reason, hint=HINT) from error


def fields_of(block: bytes) -> dict[str, str]:
    """Give the lines `name=value` of a block; a line without a value is a name with an empty value."""
    fields: dict[str, str] = {}
    for line in block.decode().splitlines():
        name, _, value = line.partition("=")
        if name in fields and name:
            message = f"it has {name[:40]!r} twice"
            raise ValueError(message)
        fields[name] = value
    return fields


def described(head: Mapping[str, str], rest: bytes) -> BoosterFile:
    """Give what a file says of a model apart from its trees; `rest` is what follows the head."""
    if END not in rest or (PARAMETERS in rest and END_OF_PARAMETERS not in rest):
        message = "it is cut short"
        raise ValueError(message)
    return with_categories(head, *_pandas_lists(rest))


def with_categories(
    head: Mapping[str, str], chosen: Sequence[int], lists: Sequence[tuple[Plain, ...]]
) -> BoosterFile:
    """Give what the head says, with the columns that are categorical and the categories of pandas columns."""
    objective = head.get("objective", "").partition(" ")[0]
    count, classes = int(head["max_feature_idx"]) + 1, int(head["num_class"])
    names, infos = head["feature_names"].split(" "), head["feature_infos"].split(" ")
    if not (0 < count <= FEATURES_MAX and 0 < classes <= CLASSES_MAX):
        message = f"{count} features and {classes} classes"
        raise ValueError(message)
    if not len(names) == len(infos) == count:
        message = f"{len(names)} names and {len(infos)} ranges for {count} features"
        raise ValueError(message)
    is_classifier = objective in CLASSIFIERS
    return BoosterFile(
        library="lightgbm",
        kind="classifier" if is_classifier else "other" if objective in OTHERS else "regressor",
        objective=objective,
        names=None if all(map(NUMBERED.fullmatch, names)) else tuple(names),
        columns=_columns(infos, chosen, lists),
        class_count=max(classes, 2) if is_classifier else 0,
    )


def _columns(
    infos: Sequence[str], chosen: Sequence[int], lists: Sequence[Sequence[Plain]]
) -> tuple[BoosterColumn, ...]:
    """Give the columns; LightGBM takes a category that it does not know as a missing value."""
    if any(type(value) not in {bool, int, float, str} for values in lists for value in values):
        reason = "has a category that is no text, number or boolean"
        raise Refused(reason, hint=HINT)
    columns = [BoosterColumn()] * len(infos)
    known = placed(infos, chosen, lists)
    if known is None:
        for at in candidates(infos, lists):
            columns[at] = BoosterColumn("any", must_declare=HIDDEN)
    for at, values in (known or {}).items():
        columns[at] = BoosterColumn("category", tuple(values), is_open=True)
    return tuple(columns)


def _pandas_lists(rest: bytes) -> tuple[list[int], list[tuple[Plain, ...]]]:
    """Give the columns that LightGBM took as categorical, and the categories of pandas columns."""
    at = rest.rfind(PANDAS)
    lists = json.loads(rest[at + len(PANDAS) :]) if at >= 0 else None
    if not lists:
        return [], []
    match = CATEGORICAL.search(rest)
    chosen = match[1].decode() if match else ""
    return [int(number) for number in chosen.split(",") if number], [tuple(known) for known in lists]
