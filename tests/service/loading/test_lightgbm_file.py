"""Files of LightGBM tell what the model takes, and trees that LightGBM could not walk are refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from service.errors import UnusableFile
from service.loading.boosters import BoosterColumn
from service.loading.lightgbm_file import read_lightgbm

MODEL = (Path(__file__).parents[2] / "golden" / "boosters" / "lightgbm.txt").read_text()


def changed(pattern: str, replacement: str) -> bytes:
    """The model with the first match replaced, and the sizes of the trees as they then are."""
    text, count = re.subn(pattern, replacement, MODEL, count=1, flags=re.MULTILINE)
    assert count == 1
    if "tree_sizes" not in replacement:
        starts = [match.start() for match in re.finditer("^Tree=|^end of trees", text, re.MULTILINE)]
        sizes = " ".join(str(end - start) for start, end in zip(starts, starts[1:]))
        text = re.sub("^tree_sizes=.*$", f"tree_sizes={sizes}", text, flags=re.MULTILINE)
    return text.encode()


def test_what_the_file_says() -> None:
    found = read_lightgbm(MODEL.encode())

    assert (found.kind, found.objective, found.class_count) == ("classifier", "binary", 2)
    assert found.names == ("town", "rooms", "area")
    assert found.columns == (
        BoosterColumn("category", ("Bonn", "Paris", "Rome"), is_open=True),
        BoosterColumn("category", (1, 2, 3, 4), is_open=True),
        BoosterColumn("number"),
    )


@pytest.mark.parametrize(
    ("objective", "kind"),
    [
        pytest.param("objective=regression", "regressor", id="regression"),
        pytest.param("objective=cross_entropy", "regressor", id="cross-entropy"),
        pytest.param("objective=lambdarank", "other", id="ranks"),
        pytest.param("objective=custom", "other", id="custom"),
        pytest.param("objective=multiclassova num_class:1 sigmoid:1", "classifier", id="multiclassova"),
    ],
)
def test_the_kind(objective: str, kind: str) -> None:
    assert read_lightgbm(changed("^objective=.*$", objective)).kind == kind


def test_names_that_lightgbm_made_are_no_names() -> None:
    found = read_lightgbm(changed("^feature_names=.*$", "feature_names=Column_0 Column_1 Column_2"))

    assert found.names is None


@pytest.mark.parametrize(
    ("pattern", "replacement"),
    [
        pytest.param("^left_child=-?\\d+", "left_child=0", id="root-is-its-child"),
        pytest.param("^left_child=-?\\d+", "left_child=99", id="child-out-of-bounds"),
        pytest.param("^left_child=-?\\d+", "left_child=-99", id="leaf-out-of-bounds"),
        pytest.param("^split_feature=\\d", "split_feature=3", id="column-out-of-bounds"),
        pytest.param("^split_feature=\\d", "split_feature=-1", id="negative-column"),
        pytest.param("^num_leaves=4", "num_leaves=5", id="leaves-missing"),
        pytest.param("^num_leaves=4", "num_leaves=2000000000", id="absurd-leaves"),
        pytest.param("^cat_boundaries=0", "cat_boundaries=7", id="boundaries"),
        pytest.param("^threshold=\\S+", "threshold=nine", id="no-number"),
        pytest.param("^leaf_value=\\S+", "leaf_value=", id="leaf-missing"),
        pytest.param("^num_leaves=4", "num_leaves=4\nnum_leaves=4", id="twice"),
        pytest.param("^tree_sizes=\\d+", "tree_sizes=7", id="tree-sizes"),
        pytest.param("^max_feature_idx=2", "max_feature_idx=2000000000", id="absurd-features"),
        pytest.param("^num_tree_per_iteration=1", "num_tree_per_iteration=7", id="trees-of-a-round"),
        pytest.param("^num_class=1", "num_class=-1", id="negative-classes"),
        pytest.param("^pandas_categorical:.*$", "pandas_categorical:[[1", id="categories-cut-short"),
        pytest.param("^pandas_categorical:.*$", "pandas_categorical:[[{}]]", id="no-plain-category"),
    ],
)
def test_what_is_not_sound_is_refused(pattern: str, replacement: str) -> None:
    with pytest.raises(UnusableFile):
        read_lightgbm(changed(pattern, replacement))


@pytest.mark.parametrize(
    ("pattern", "replacement", "count"),
    [
        pytest.param("^pandas_categorical:.*$", "pandas_categorical:[[1,2,3,4]]", 2, id="fewer"),
        pytest.param("^feature_infos=\\S+ \\S+", "feature_infos=[0.5:1] [0.5:1]", 3, id="none-fits"),
    ],
)
def test_categories_of_which_the_file_tells_no_column_must_be_declared(
    pattern: str, replacement: str, count: int
) -> None:
    columns = read_lightgbm(changed(pattern, replacement)).columns

    assert sum(bool(column.must_declare) for column in columns) == count
    assert all(column.categories is None for column in columns)


def test_the_changed_model_without_a_change_is_taken() -> None:
    assert read_lightgbm(changed("^num_leaves=4", "num_leaves=4")) == read_lightgbm(MODEL.encode())


@pytest.mark.parametrize(
    "end", ["\nTree=1", "\nend of trees", "\n[categorical_feature", "\nend of parameters"]
)
def test_a_file_that_is_cut_short_is_refused(end: str) -> None:
    """Without its last lines, LightGBM itself takes the file, and takes codes for categories."""
    with pytest.raises(UnusableFile):
        read_lightgbm(MODEL[: MODEL.index(end)].encode())


@pytest.mark.parametrize(
    ("pattern", "replacement"),
    [
        # LightGBM cuts by blanks alone, and reads a tab as the end of all numbers.
        pytest.param(r"^left_child=(\S+) ", r"left_child=\1\t", id="tab"),
        pytest.param(r"^threshold=\S+", "threshold=1_0", id="underscore"),
        pytest.param(r"^left_child=", "other=\x85left_child=", id="a line to Python alone"),
        pytest.param(r"^leaf_weight=.*$", "leaf_weight=1", id="weights of leaves"),
        pytest.param(r"^internal_count=.*$", "internal_count=1", id="counts of nodes"),
        pytest.param(r"^shrinkage=.*$", "shrinkage=x", id="shrinkage"),
        pytest.param(r"^objective=.*$", "objective=multiclass num_class:99999", id="objective"),
        pytest.param(r"^objective=.*$", "objective=multiclass num_class:1 num_class:9", id="classes twice"),
        pytest.param(r"^num_class=1$", "num_class=7", id="number of classes"),
        pytest.param(r"^\[boosting: gbdt\]$", "x=1", id="parameter"),
    ],
)
def test_what_lightgbm_would_not_survive_is_refused(pattern: str, replacement: str) -> None:
    with pytest.raises(UnusableFile):
        read_lightgbm(changed(pattern, replacement))
