from __future__ import annotations

from types import SimpleNamespace

import pytest
from sklearn.compose import make_column_transformer
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from service.schema.parts import listed, positions_of, takes_gaps, width_of


def test_the_columns_that_enter_and_leave_the_branches_of_a_column_transformer() -> None:
    transformer = make_column_transformer(
        (StandardScaler(), [2]), (OneHotEncoder(), [0]), ("drop", [3]), remainder="passthrough"
    )
    transformer.fit([[1, 2, 3, 4], [2, 4, 6, 8], [3, 6, 9, 12]])
    names = [name for name, _, _ in transformer.transformers_]

    assert [positions_of(transformer, name) for name in names] == [[2], [0], [3], [1]]
    assert [width_of(transformer, name) for name in names] == [1, 3, 0, 1]
    assert (positions_of(object(), "none"), width_of(object(), "none")) == ([], None)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(None, []), ("int", ["int"]), (["int", "float"], ["int", "float"]), (("int",), ["int"])],
)
def test_a_selector_names_one_dtype_or_several(value: object, expected: list[object]) -> None:
    assert listed(value) == expected


class OfAnOldVersion:
    """scikit-learn before 1.6 has this method in place of `__sklearn_tags__`."""

    def __init__(self, *, allow_nan: bool) -> None:
        self._allow_nan = allow_nan

    def _get_tags(self) -> dict[str, bool]:
        return {"allow_nan": self._allow_nan}


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        pytest.param(StandardScaler(), True, id="by its tags"),
        pytest.param(LogisticRegression(), False, id="not by its tags"),
        pytest.param(DummyClassifier(), True, id="by its class name"),
        pytest.param(OfAnOldVersion(allow_nan=True), True, id="by its old tags"),
        pytest.param(OfAnOldVersion(allow_nan=False), False, id="not by its old tags"),
        pytest.param(SimpleNamespace(), False, id="without tags"),
    ],
)
def test_parts_that_take_gaps(*, part: object, expected: bool) -> None:
    assert takes_gaps(part) is expected
