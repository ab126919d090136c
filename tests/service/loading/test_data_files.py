"""No booster reads a file that a text in the place of rows names."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from service.loading.data_files import refuse_data_files

if TYPE_CHECKING:
    from pathlib import Path

X = np.random.default_rng(0).random((40, 2))
Y = (X.sum(1) > 1).astype(int)


def _xgboost() -> Any:
    library: Any = pytest.importorskip("xgboost")
    return library.XGBClassifier(n_estimators=2).fit(X, Y)


def _lightgbm() -> Any:
    library: Any = pytest.importorskip("lightgbm")
    return library.LGBMClassifier(n_estimators=2, verbose=-1).fit(X, Y).booster_


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("make", "query"), [(_xgboost, "?format=csv"), (_lightgbm, "")])
def test_a_file_in_the_place_of_rows_is_refused(make: Any, query: str, tmp_path: Path) -> None:
    model = make()
    file = tmp_path / "rows.csv"
    file.write_text("0.5,0.5\n0.1,0.2\n")
    assert len(model.predict(f"{file}{query}")) == 2

    refuse_data_files()
    refuse_data_files()

    with pytest.raises(TypeError, match="the name of a file in the place of rows"):
        model.predict(f"{file}{query}")
    assert model.predict(X).shape == (40,)


def test_without_these_libraries_there_is_nothing_to_do() -> None:
    before = set(sys.modules)

    refuse_data_files()

    assert set(sys.modules) == before
