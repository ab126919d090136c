"""LightGBM's own files (text): what they say of the model, and whether its trees are sound.

LightGBM follows the children of a node without a look at where they lie. The format is that of
`GBDT::SaveModelToString` and `Tree::ToString` in LightGBM's `src/boosting/gbdt_model_text.cpp` and
`src/io/tree.cpp`; the Python package adds a last line with the categories of pandas.
`infer_cli/inspection/formats/lightgbm_file.py` reads the same of a file that is not loaded.
"""

from __future__ import annotations

import json
import re
from itertools import accumulate
from typing import TYPE_CHECKING, Callable, TypeVar

from service.compiler.proof_rows import lightgbm_range
from service.errors import UnusableFile
from service.loading.boosters import CLASSES_MAX, FEATURES_MAX, BoosterColumn, BoosterFile
from service.loading.lightgbm_trees import check_tree
from service.schema.boosters import HIDDEN, candidates, placed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from service.schema.features import Value

_Found = TypeVar("_Found")

SAVE_ADVICE = "Save the model again, with booster.save_model('model.txt')"
# Objectives whose predictions are probabilities of classes, those of ranks, and one that is not known.
CLASSIFIERS = frozenset({"binary", "multiclass", "multiclassova"})
OTHERS = frozenset({"lambdarank", "rank_xendcg", "custom", ""})
# The names that LightGBM gives to columns without names.
NUMBERED = re.compile(r"Column_\d+")
# The number of classes as the objective itself tells it, and a parameter of the training.
OF_CLASSES = re.compile(r"(?<!\S)num_class:(\d+)(?!\S)", re.ASCII)
PARAMETER = re.compile(rb"\[\w+: [^\r\n]*\]\r?")
TREES = b"\nTree=0\n"
END = b"\nend of trees"
PARAMETERS, END_OF_PARAMETERS = b"\nparameters:", b"\nend of parameters"
PANDAS = b"\npandas_categorical:"
# Older versions call the parameter `categorical_column`.
CATEGORICAL = re.compile(rb"^\[categorical_(?:feature|column): ([\d,]*)\]\r?$", re.MULTILINE)


def read_lightgbm(content: bytes) -> BoosterFile:
    """Read a file of LightGBM; raise `UnusableFile` if it is none, or if its trees are not sound."""
    return _checked(content, _described)


def check_lightgbm(content: bytes) -> None:
    """Check a booster as a pickle holds it; raise `UnusableFile` if its trees are not sound."""
    _checked(content, _check_pickled)


def _described(content: bytes) -> BoosterFile:
    head, start = _head(content)
    found = described(head, content[start:])
    _check_trees(content, start, head, len(found.columns))
    return found


def _check_pickled(content: bytes) -> None:
    if TREES not in content and b"Tree=" not in content:
        # It was not trained, or for no round.
        return
    head, start = _head(content)
    if END not in content:
        raise ValueError("it is cut short")
    _check_trees(content, start, head, int(head["max_feature_idx"]) + 1)


def _check_trees(content: bytes, start: int, head: Mapping[str, str], features: int) -> None:
    if b"\0" in content:
        # The library would stop reading there.
        raise ValueError("it has a character of zero")
    check_classes(head)
    _check_parameters(content[start:])
    for block in _blocks(content, start, head):
        check_tree(fields_of(block), features)


def check_classes(head: Mapping[str, str]) -> None:
    """Check that the objective writes as many numbers as the library makes space for: one for each class."""
    objective, _, more = head.get("objective", "").partition(" ")
    classes = int(head["num_class"])
    told = OF_CLASSES.findall(more)
    if objective.startswith("multiclass") and (len(told) != 1 or int(told[0]) != classes):
        raise ValueError("the objective has another number of classes")
    if int(head.get("num_tree_per_iteration") or classes) != classes:
        raise ValueError("num_tree_per_iteration is not the number of classes")


def _check_parameters(rest: bytes) -> None:
    """Check the form of the parameters, which the library cuts into names and values without a look."""
    _, _, after = rest.partition(PARAMETERS)
    for line in after.partition(END_OF_PARAMETERS)[0].split(b"\n"):
        if line.strip() and not PARAMETER.fullmatch(line):
            message = f"a parameter cannot be read: {line[:40]!r}"
            raise ValueError(message)


def _checked(content: bytes, read: Callable[[bytes], _Found]) -> _Found:
    try:
        return read(content)
    except UnusableFile:
        raise
    except (KeyError, IndexError, OverflowError, RecursionError, TypeError, ValueError) as error:
        reason = f"is no LightGBM model that infer reads ({type(error).__name__}: {error})"
        raise UnusableFile(reason, SAVE_ADVICE) from error


def _head(content: bytes) -> tuple[Mapping[str, str], int]:
    """Give the fields before the trees, and where the trees start."""
    at = content.find(TREES)
    if at < 0:
        raise ValueError("it holds no trees")
    return fields_of(content[:at]), at + 1


def fields_of(block: bytes) -> dict[str, str]:
    """Give the lines `name=value` of a block; a line without a value is a name with an empty value."""
    fields: dict[str, str] = {}
    # Python would see the end of a line in other characters as well.
    for line in block.decode().split("\n"):
        name, _, value = line.rstrip("\r").partition("=")
        if name in fields and name:
            message = f"it has {name[:40]!r} twice"
            raise ValueError(message)
        fields[name] = value
    return fields


def _blocks(content: bytes, start: int, head: Mapping[str, str]) -> list[bytes]:
    """Cut the trees apart where LightGBM does, by the sizes in the head."""
    sizes = [int(size) for size in head["tree_sizes"].split()]
    ends = [start + end for end in accumulate(sizes)]
    blocks = [content[end - size : end] for end, size in zip(ends, sizes)]
    if min(sizes, default=1) <= 0 or not all(block.startswith(b"Tree=") for block in blocks):
        raise ValueError("tree_sizes cannot be right")
    per_round = int(head.get("num_tree_per_iteration") or head["num_class"])
    if not 0 < per_round <= CLASSES_MAX or len(blocks) % per_round:
        raise ValueError("num_tree_per_iteration cannot be right")
    return blocks


def described(head: Mapping[str, str], rest: bytes) -> BoosterFile:
    """Give what a file says of a model apart from its trees; `rest` is what follows the head."""
    if END not in rest or (PARAMETERS in rest and END_OF_PARAMETERS not in rest):
        raise ValueError("it is cut short")
    objective = head.get("objective", "").partition(" ")[0]
    count, classes = int(head["max_feature_idx"]) + 1, int(head["num_class"])
    names, infos = head["feature_names"].split(" "), head["feature_infos"].split(" ")
    if not (0 < count <= FEATURES_MAX and 0 < classes <= CLASSES_MAX):
        raise ValueError(f"{count} features and {classes} classes")
    if not len(names) == len(infos) == count:
        raise ValueError(f"{len(names)} names and {len(infos)} ranges for {count} features")
    kind = "classifier" if objective in CLASSIFIERS else "other" if objective in OTHERS else "regressor"
    return BoosterFile(
        kind=kind,
        objective=objective,
        names=None if all(map(NUMBERED.fullmatch, names)) else tuple(names),
        columns=_columns(infos, *_pandas_lists(rest)),
        class_count=max(classes, 2) if kind == "classifier" else 0,
    )


def _columns(
    infos: Sequence[str], chosen: Sequence[int], lists: Sequence[Sequence[Value]]
) -> tuple[BoosterColumn, ...]:
    """Give the columns; LightGBM takes a category that it does not know as a missing value."""
    if any(type(value) not in (bool, int, float, str) for values in lists for value in values):
        raise UnusableFile("has a category that is no text, number or boolean", SAVE_ADVICE)
    columns = [BoosterColumn(bounds=lightgbm_range(info)) for info in infos]
    known = placed(infos, chosen, lists)
    if known is None:
        for at in candidates(infos, lists):
            columns[at] = BoosterColumn("any", must_declare=HIDDEN)
    for at, values in (known or {}).items():
        columns[at] = BoosterColumn("category", tuple(values), is_open=True)
    return tuple(columns)


def _pandas_lists(rest: bytes) -> tuple[list[int], list[tuple[Value, ...]]]:
    """Give the columns that LightGBM took as categorical, and the categories of pandas columns."""
    at = rest.rfind(PANDAS)
    lists = json.loads(rest[at + len(PANDAS) :]) if at >= 0 else None
    if not lists:
        return [], []
    match = CATEGORICAL.search(rest)
    chosen = match[1].decode() if match else ""
    return [int(number) for number in chosen.split(",") if number], [tuple(known) for known in lists]
