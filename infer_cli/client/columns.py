"""The columns of a table and the features of a model: which column is which feature, and what is missing."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from infer_cli.client.near_names import nearest, similar
from infer_cli.client.positions import Positions
from infer_cli.errors import InferError, UsageError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from infer_cli.client.rows import Row
    from infer_cli.client.served_model import ServedFeature

# The rows of JSON Lines may all have other columns.
_MOST_CHECKED = 1000


class Columns:
    """Finds the features of a model among the columns of rows.

    Columns that are no features are dropped only if every feature is there, or is left out on purpose: by
    `left_out`, or because the model does not need it and no column has a name that is near. `missing` has the
    missing values that stand for the features left out.
    """

    def __init__(
        self,
        features: Mapping[str, ServedFeature],
        left_out: Collection[str] = (),
        *,
        is_positional: bool = False,
    ) -> None:
        """Take the features, and `a,b` or a name for each of those that are left out.

        `is_positional`: the service takes rows that name the positions of the columns, too.

        Raises `UsageError` for a name that the model has not, or cannot do without.
        """
        self._features = features
        self._positions = Positions(list(features), is_positional=is_positional)
        self._left_out = frozenset(
            name for text in left_out for name in ([text] if text in features else _names(text))
        )
        # Columns that were looked at, and whether a row of them is sent as it is.
        self._checked: dict[tuple[str, ...], bool] = {}
        for name in sorted(self._left_out):
            _check_left_out(name, features)
        # The model takes a missing value for them, or does without them.
        self.missing: Row = {
            name: None for name in features if name in self._left_out and features[name].nullable
        }

    def known(self, row: Row, where: str) -> Row:
        """The features of a row, with nothing for what is left out; `where` names the row in an error.

        Raises `InferError` for a row without a feature, or with a column in its place that has a near name.
        """
        names = tuple(row)
        is_whole = self._checked.get(names)
        if is_whole is None:
            is_whole = bool(self._positions.names_of(names))
            if not is_whole:
                self._check(names, where)
                is_whole = not self.missing and self._features.keys() >= row.keys()
            if len(self._checked) >= _MOST_CHECKED:
                self._checked.clear()
            self._checked[names] = is_whole
        if is_whole:
            return row
        return self.missing | {name: value for name, value in row.items() if name in self._features}

    def _check(self, names: Collection[str], where: str) -> None:
        absent = [name for name in self._features if name not in names and name not in self._left_out]
        others = [name for name in names if name not in self._features]
        asked = {name: near for name in absent if (near := nearest(name, others))}
        missing = [name for name in absent if name in asked or self._features[name].required]
        if not missing:
            return
        similars = {name: found for name in missing if (found := similar(name, others))}
        raise InferError(
            f"{where} has no column {', '.join(missing)}",
            hint=f"{_question(similars)}the model takes {', '.join(self._features)}"
            + _way_out(missing, self._features),
        )


def _names(text: str) -> list[str]:
    """The names in `a,b,c`."""
    return [name for name in text.split(",") if name]


def _question(similars: Mapping[str, str]) -> str:
    """Ask whether a column is meant for the feature that is missing."""
    if not similars:
        return ""
    # A blank at the end of a name would not be seen without quotes.
    shown = [repr(name) if name != name.strip() else name for name in similars.values()]
    renamed = ", ".join(f"{found!r} to {name!r}" for name, found in similars.items())
    return f"it has {', '.join(shown)}; did you mean that? Then rename {renamed}; "


def _way_out(missing: Collection[str], features: Mapping[str, ServedFeature]) -> str:
    """The option that leaves the features out, if the model does without all of them.

    A table without any feature of the model is another table, and no answer to it would mean anything.
    """
    if len(missing) == len(features) or not all(_may_be_left_out(features[name]) for name in missing):
        return ""
    texts = missing if any("," in name for name in missing) else [",".join(missing)]
    return "; to predict without: " + " ".join(f"--missing-columns {shlex.quote(text)}" for text in texts)


def _may_be_left_out(feature: ServedFeature) -> bool:
    return feature.nullable or not feature.required


def _check_left_out(name: str, features: Mapping[str, ServedFeature]) -> None:
    if name not in features:
        found = similar(name, features)
        question = f"did you mean {found}? " if found else ""
        raise UsageError(
            f"--missing-columns {name}: the model has no such feature",
            hint=f"{question}the model takes {', '.join(features)}",
        )
    if not _may_be_left_out(features[name]):
        raise UsageError(
            f"--missing-columns {name}: the model takes no missing value in {name}",
            hint=f"give the rows a column {name}",
        )
