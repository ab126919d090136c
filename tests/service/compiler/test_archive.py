"""A compiled model that was written and read answers as before, to the last bit; a damaged one is refused."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from service.compile import compile_model
from service.compiler import archive as archive_module
from service.compiler.archive import read_saved
from service.compiler.program import try_program
from service.errors import UnreadableArchive
from service.loading.model_file import load_model
from tests.service.compiler.conftest import compiled, written
from tests.service.compiler.test_all_estimators import CASES, COMPILED, POSITIVE, fitted
from tests.service.compiler.test_convert import PIPELINES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sklearn.linear_model import LogisticRegression

    from service.compiler.functions import Outcome
    from service.prediction.predictor import Predictor

    Save = Callable[..., Path]
    Change = Callable[[dict[str, Any]], object]

COMPILED_CASES = [case for case in CASES if case[1] in COMPILED]


def assert_same(found: Outcome | None, expected: Outcome | None) -> None:
    """Compare two outcomes to the last bit."""
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
def test_an_estimator_answers_as_before(
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
def test_a_pipeline_answers_as_before(
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
def test_a_model_of_mixed_columns_answers_as_before(
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


def npy(array: Any, **options: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, array, **options)
    return file.getvalue()


def header_of_size(count: int) -> bytes:
    """An array of eight numbers whose header says that there are `count`."""
    return npy(np.zeros(8)).replace(b"(8,)", f"({count},)".encode().ljust(4)[:4])


@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        pytest.param({"model_json": b"[]"}, "another version of infer", id="a list"),
        pytest.param({"model_json": b"{"}, "no compiled model", id="no JSON"),
        pytest.param({"model_json": b"[" * 100_000}, "nested too deeply", id="deep JSON"),
        pytest.param({"model_json": b"9" * 5000}, "no compiled model", id="a giant number"),
        pytest.param({"model_json": None}, "lacks model.json", id="no description"),
        pytest.param({"more_txt": b""}, "no part of a compiled model", id="one entry more"),
        pytest.param({"0_npy": None}, "no part of a compiled model", id="one array less"),
        pytest.param({"0_npy": b""}, "no compiled model", id="an empty array"),
        pytest.param({"0_npy": npy(np.array([{}]), allow_pickle=True)}, "a wrong value", id="objects"),
        pytest.param({"1_npy": npy(np.array(["text"]))}, "a wrong value", id="strings"),
        pytest.param({"1_npy": npy(np.zeros(3))}, "a wrong value", id="floats for positions"),
        pytest.param({"1_npy": npy(np.zeros((3, 3), int))}, "a wrong value", id="a table for a row"),
        pytest.param({"1_npy": npy(np.zeros(0, np.int32))}, "a Sums that cannot be used", id="no leaves"),
        pytest.param({"1_npy": header_of_size(9)}, "a wrong value", id="a header with more numbers"),
        pytest.param({"1_npy": npy(np.zeros(8))[:-1]}, "a wrong value", id="an array that is cut short"),
    ],
)
def test_wrong_entries_are_refused(
    entries: dict[str, bytes], reason: str, remake: Callable[..., io.BytesIO]
) -> None:
    with pytest.raises(UnreadableArchive, match=reason):
        read_saved(remake(**entries))


def test_an_array_of_another_version_is_refused(remake: Callable[..., io.BytesIO]) -> None:
    file = io.BytesIO()
    np.lib.format.write_array(file, np.zeros(3, np.int32), version=(2, 0))

    with pytest.raises(UnreadableArchive, match="a wrong value"):
        read_saved(remake(**{"1_npy": file.getvalue()}))


def test_a_compressed_file_is_refused(remake: Callable[..., io.BytesIO]) -> None:
    with pytest.raises(UnreadableArchive, match="compressed inside"):
        read_saved(remake(compression=zipfile.ZIP_DEFLATED))


def test_entries_that_claim_the_same_bytes_are_refused(remake: Callable[..., io.BytesIO]) -> None:
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
    monkeypatch.setattr(archive_module, "DESCRIPTION_BYTES_MAX", 100)

    with pytest.raises(UnreadableArchive, match="too long"):
        read_saved(remake())


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"no zip"])
def test_a_file_that_is_no_archive_is_refused(content: bytes) -> None:
    with pytest.raises(UnreadableArchive, match="no compiled model"):
        read_saved(io.BytesIO(content))


def test_a_file_that_is_cut_short_is_refused(remake: Callable[..., io.BytesIO]) -> None:
    whole = remake().getvalue()

    for size in range(0, len(whole), 997):
        with pytest.raises(UnreadableArchive):
            read_saved(io.BytesIO(whole[:size]))


def test_a_changed_bit_is_refused_or_does_no_harm(remake: Callable[..., io.BytesIO]) -> None:
    """The checksums of the archive find nearly all changed bits."""
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
