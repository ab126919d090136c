"""A path that was saved and read answers bit by bit as before, and a file that is not sound is refused."""

from __future__ import annotations

import io
import json
import math
import zipfile
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from service.compile import compile_model
from service.compiler import archive as saved_module
from service.compiler.archive import read_saved, write_saved
from service.compiler.parity import try_program
from service.errors import UnreadableArchive
from service.loading.model_file import load_model
from service.schema.features import Feature
from tests.service.compiler.test_all_estimators import CASES, COMPILED, POSITIVE, fitted
from tests.service.compiler.test_parity import PIPELINES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from service.compiler.codec import Saved
    from service.compiler.functions import Outcome
    from service.prediction.predictor import Predictor

    Save = Callable[..., Path]
    Change = Callable[[dict[str, Any]], object]

COMPILED_CASES = [case for case in CASES if case[1] in COMPILED]


def written(saved: Saved) -> bytes:
    file = io.BytesIO()
    write_saved(file, saved)
    return file.getvalue()


def compiled(save: Save, model: object) -> Saved:
    return compile_model(load_model(save(model)))[0]


def assert_same(found: Outcome | None, expected: Outcome | None) -> None:
    """Equal to the last bit."""
    assert found is not None
    assert expected is not None
    assert np.asarray(found.values).tobytes() == np.asarray(expected.values).tobytes()
    assert (found.probabilities is None) == (expected.probabilities is None)
    if found.probabilities is not None and expected.probabilities is not None:
        assert found.probabilities.tobytes() == expected.probabilities.tobytes()


@pytest.mark.parametrize(
    ("kind", "name", "made"), COMPILED_CASES, ids=[name for _, name, _ in COMPILED_CASES]
)
@pytest.mark.filterwarnings("ignore")
def test_every_family_answers_as_before(
    kind: str, name: str, made: Any, make_predictor: Callable[[object], Predictor], save: Save
) -> None:
    model, rows = fitted(kind, name, made)
    chance = np.random.default_rng(1)
    given = rows if name in POSITIVE else np.vstack([rows, chance.normal(0, 10, size=rows.shape)])
    program = make_predictor(model).program
    assert program is not None

    read = read_saved(io.BytesIO(written(compiled(save, model))))

    assert_same(read.path(given), program.ask(given))
    assert_same(read.path(given[:1]), program.ask(given[:1]))
    row_program = try_program(read.path, read.trial).row_program
    assert (row_program is None) == (program.row_program is None)
    if row_program is not None and program.row_program is not None:
        for row in given[:20].tolist():
            assert row_program.answer(row) == program.row_program.answer(row)


@pytest.mark.parametrize("model", PIPELINES, ids=lambda model: str(model)[:60])
@pytest.mark.filterwarnings("ignore")
def test_models_put_together_answer_as_before(
    model: Any, make_predictor: Callable[[object], Predictor], save: Save
) -> None:
    chance = np.random.default_rng(0)
    rows = chance.normal(size=(300, 6))
    target = (rows[:, 0] + rows[:, 1] > 0).astype(int)
    model.fit(rows, target)
    program = make_predictor(model).program
    assert program is not None

    read = read_saved(io.BytesIO(written(compiled(save, model))))

    assert_same(read.path(rows), program.ask(rows))


@pytest.mark.parametrize("name", ["search", "boosting"])
@pytest.mark.filterwarnings("ignore")
def test_mixed_tables_answer_as_before(
    name: str, mixed_models: dict[str, Any], make_predictor: Callable[[object], Predictor], save: Save
) -> None:
    program = make_predictor(mixed_models[name]).program
    assert program is not None

    read = read_saved(io.BytesIO(written(compiled(save, mixed_models[name]))))

    assert read.trial.rows == program.trial.rows
    assert_same(read.path(read.trial.rows), program.ask(program.trial.rows))


def test_the_same_model_gives_the_same_bytes(classifier: LogisticRegression, save: Save) -> None:
    files = {compile_model(load_model(save(classifier)))[1] for _ in range(2)}

    assert len(files) == 1


def test_a_date_is_kept(classifier: LogisticRegression, save: Save) -> None:
    saved = compiled(save, classifier)
    day = datetime(2026, 1, 31)  # noqa: DTZ001 (a model's have no zone)
    dated = Feature("since", "date", categories=(day,), dtype="unused")
    rows = [[*row, day] for row in saved.trial.rows.tolist()]
    trial = replace(saved.trial, rows=rows)

    read = read_saved(io.BytesIO(written(replace(saved, features=[*saved.features, dated], trial=trial))))

    assert read.features[-1] == dated
    assert read.trial.rows == rows


def test_what_is_no_number_is_not_saved(classifier: LogisticRegression, save: Save) -> None:
    saved = compiled(save, classifier)

    with pytest.raises(TypeError, match="a complex cannot be saved"):
        write_saved(io.BytesIO(), replace(saved, classes=[1j]))  # type: ignore[list-item]


@pytest.fixture(scope="module")
def forest() -> RandomForestClassifier:
    chance = np.random.default_rng(0)
    rows = chance.normal(size=(60, 3))
    return RandomForestClassifier(3, random_state=0).fit(rows, rows[:, 0] > 0)


@pytest.fixture
def remake(forest: RandomForestClassifier, save: Save) -> Callable[..., io.BytesIO]:
    """Write the file of a forest again, with a change to its description, or with other entries."""

    def make(
        change: Change = lambda _: None, *, compression: int = zipfile.ZIP_STORED, **entries: bytes | None
    ) -> io.BytesIO:
        source = zipfile.ZipFile(io.BytesIO(written(compiled(save, forest))))
        held = {name: source.read(name) for name in source.namelist()}
        described = json.loads(held["model.json"])
        change(described)
        held["model.json"] = json.dumps(described).encode()
        named = {name.replace("_", "."): content for name, content in entries.items()}
        changed = {**held, **named}
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w", compression) as archive:
            for name, content in changed.items():
                if content is not None:
                    archive.writestr(name, content)
        return made

    return make


def npy(array: Any, **options: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, array, **options)
    return file.getvalue()


def nested(described: dict[str, Any]) -> None:
    for _ in range(400):
        described["path"] = {"is": "Chain", "steps": [], "model": described["path"]}


def header_of_size(count: int) -> bytes:
    """An array of eight numbers that says that it has more."""
    return npy(np.zeros(8)).replace(b"(8,)", f"({count},)".encode().ljust(4)[:4])


SUMS = ("path", "scores")
TREES = (*SUMS, "trees")


def at(described: dict[str, Any], place: tuple[str, ...]) -> dict[str, Any]:
    for name in place:
        described = described[name]
    return described


def put(place: tuple[str, ...], name: str, value: object) -> Change:
    return lambda described: at(described, place).update({name: value})


WRONG: list[tuple[str, Change, str]] = [
    ("another format", put((), "format", 2), "another version of infer"),
    ("no format", lambda described: described.pop("format"), "another version of infer"),
    ("more fields", put((), "more", 1), "a Saved that is not as it must be"),
    ("a field less", lambda described: described.pop("given"), "a Saved that is not as it must be"),
    ("no object", put((), "path", 3), "a int in the place of a Average"),
    ("an unknown operation", put(("path",), "is", "eval"), "'eval' where that is not known"),
    ("a known one elsewhere", put(("path", "scores"), "is", "Feature"), "'Feature' where"),
    ("an operation of no text", put(("path",), "is", ["Chain"]), "where that is not known"),
    ("an unknown kind", put((), "kind", "other"), "a Saved with something else"),
    ("a kind of no text", put((), "kind", 1), "a Saved with something else"),
    ("an unknown decision", put(("path",), "decision", "random"), "a Classifier with something else"),
    ("a number for truth", put(("path",), "is_flat", 1), "a Classifier with something else"),
    ("truth for a number", put(SUMS, "divisor", value=True), "a Sums with something else"),
    ("a text for a list", put((), "features", "x0"), "a Saved with something else"),
    ("packages that are no pairs", put(("origin",), "packages", [["a"]]), "an? Origin with something else"),
    ("no features", put((), "features", []), "does not name its features"),
    ("two of a name", lambda said: said["features"][0].update(name="x1"), "or one of them twice"),
    ("a category of no value", lambda said: said["features"][0].update(categories=[[]]), "a Feature with"),
    ("no date", lambda said: said["features"][0].update(categories=[{"date": "1"}]), "a Feature with"),
    ("a feature more", lambda said: said["features"].append(dict(said["features"][0], name="x")), "tried"),
    ("no classes", put((), "classes", None), "none of its classes"),
    ("a class less", put((), "classes", [False]), "none of its classes"),
    ("an array of no number", put(TREES, "leaf", {"array": "0"}), "a Trees with something else"),
    ("an array that is not there", put(TREES, "leaf", {"array": 99}), "no compiled model"),
    ("an array before the first", put(TREES, "leaf", {"array": -1}), "no compiled model"),
    ("a list for an array", put(TREES, "leaf", [1]), "a Trees with something else"),
    ("other nodes", put(TREES, "nodes", {"array": 1}), "a Trees with something else"),
    ("a flat array for values", put(TREES, "values", {"array": 1}), "a Trees with something else"),
    ("too many outputs", put(TREES, "outputs", 10**9), "a Sums that cannot be used"),
    ("negative outputs", put(TREES, "outputs", -1), "a Sums that cannot be used"),
    ("columns past the end", put(TREES, "columns", {"array": 1}), "a Sums that cannot be used"),
    (
        "roots past the end",
        lambda said: at(said, TREES).update(roots={"array": 1}, leaf={"array": 4}),
        "Sums",
    ),
    ("few rows", put(("trial",), "rows", {"array": 2}), "rows to be tried with"),
    ("rows of values", put(("trial",), "rows", [[1.0, 2.0, 3.0]] * 100), "rows to be tried with"),
    ("an answer less", put(("trial", "wanted"), "values", {"array": 1}), "not one answer for each row"),
    ("one answer", put(("trial", "wanted"), "values", {"array": 99}), "no compiled model"),
    (
        "arrays again and again",
        lambda said: said.update(
            path={"is": "Average", "models": [said["path"]] * 50, "weights": None, "is_classifier": True}
        ),
        "again and again",
    ),
    ("integers", lambda said: said["features"][0].update(dtype="int64"), "numbers that are no doubles"),
    ("too deep", nested, "nested too deeply"),
]


@pytest.mark.parametrize(("change", "reason"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG])
def test_a_description_that_is_wrong_is_refused(
    change: Change, reason: str, remake: Callable[..., io.BytesIO]
) -> None:
    with pytest.raises(UnreadableArchive, match=reason):
        read_saved(remake(change))


@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        pytest.param({"model_json": b"[]"}, "another version of infer", id="a list"),
        pytest.param({"model_json": b"{"}, "no compiled model", id="no JSON"),
        pytest.param({"model_json": b"[" * 100_000}, "nested too deeply", id="deep JSON"),
        pytest.param({"model_json": b"9" * 5000}, "no compiled model", id="a giant number"),
        pytest.param({"model_json": None}, "lacks model.json", id="no description"),
        pytest.param({"more_txt": b""}, "no part of a compiled model", id="a file more"),
        pytest.param({"0_npy": None}, "no part of a compiled model", id="an array less"),
        pytest.param({"0_npy": b""}, "no compiled model", id="an empty array"),
        pytest.param({"0_npy": npy(np.array([{}]), allow_pickle=True)}, "something else", id="objects"),
        pytest.param({"1_npy": npy(np.array(["text"]))}, "something else", id="texts"),
        pytest.param({"1_npy": npy(np.zeros(3))}, "something else", id="floats for positions"),
        pytest.param({"1_npy": npy(np.zeros((3, 3), int))}, "something else", id="a table for a row"),
        pytest.param({"1_npy": npy(np.zeros(0, np.int32))}, "a Sums that cannot be used", id="no leaves"),
        pytest.param({"1_npy": header_of_size(9)}, "something else", id="more than there is"),
        pytest.param({"1_npy": npy(np.zeros(8))[:-1]}, "something else", id="less than it says"),
    ],
)
def test_entries_that_are_wrong_are_refused(
    entries: dict[str, bytes], reason: str, remake: Callable[..., io.BytesIO]
) -> None:
    with pytest.raises(UnreadableArchive, match=reason):
        read_saved(remake(**entries))


def test_an_array_of_another_version_is_refused(remake: Callable[..., io.BytesIO]) -> None:
    file = io.BytesIO()
    np.lib.format.write_array(file, np.zeros(3, np.int32), version=(2, 0))

    with pytest.raises(UnreadableArchive, match="something else"):
        read_saved(remake(**{"1_npy": file.getvalue()}))


def test_a_compressed_file_is_refused(remake: Callable[..., io.BytesIO]) -> None:
    with pytest.raises(UnreadableArchive, match="compressed inside"):
        read_saved(remake(compression=zipfile.ZIP_DEFLATED))


def test_entries_over_each_other_are_refused(remake: Callable[..., io.BytesIO]) -> None:
    made = remake()
    with zipfile.ZipFile(made, "a") as archive:
        first = archive.getinfo("0.npy")
        for number in range(200):
            again = zipfile.ZipInfo(f"{len(archive.namelist()) - 1}.npy")
            again.file_size = again.compress_size = 10**6
            again.header_offset, again.CRC = first.header_offset, number
            archive.filelist.append(again)
            archive.NameToInfo[again.filename] = again
        archive._didModify = True  # type: ignore[attr-defined]

    with pytest.raises(UnreadableArchive, match="holds more than it does"):
        read_saved(made)


def test_a_description_that_is_too_long_is_refused(
    remake: Callable[..., io.BytesIO], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saved_module, "LONGEST_DESCRIPTION", 100)

    with pytest.raises(UnreadableArchive, match="too long"):
        read_saved(remake())


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"no zip"])
def test_what_is_no_archive_is_refused(content: bytes) -> None:
    with pytest.raises(UnreadableArchive, match="no compiled model"):
        read_saved(io.BytesIO(content))


def test_a_file_that_is_cut_short_is_refused(remake: Callable[..., io.BytesIO]) -> None:
    whole = remake().getvalue()

    for size in range(0, len(whole), 997):
        with pytest.raises(UnreadableArchive):
            read_saved(io.BytesIO(whole[:size]))


def test_changed_bytes_are_refused_or_do_no_harm(remake: Callable[..., io.BytesIO]) -> None:
    """The checksums of the archive find nearly all of them."""
    whole = bytearray(remake().getvalue())
    chance = np.random.default_rng(0)
    refused = 0
    for place in chance.integers(0, len(whole), 300):
        changed = whole.copy()
        changed[place] ^= 1 << int(chance.integers(0, 8))
        try:
            read_saved(io.BytesIO(changed))
        except UnreadableArchive:
            refused += 1

    assert refused > 200


def test_a_plain_number_is_read_as_an_intercept(save: Save) -> None:
    chance = np.random.default_rng(0)
    rows = chance.normal(size=(50, 2))
    model = make_pipeline(StandardScaler(), Ridge(fit_intercept=False)).fit(rows, rows[:, 0])

    read = read_saved(io.BytesIO(written(compiled(save, model))))

    assert read.path(rows) is not None
    assert not math.isnan(read.generated.value_difference)
