"""What a run has written so far, and how it becomes the output."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import stat
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from infer_cli.client.served_model import ServedModel
from infer_cli.client.unfinished import Unfinished, bound_to, open_unfinished
from infer_cli.errors import InferError, RunNotResumed
from tests.client.conftest import FORMATS, ODD_ROWS, read_all, write_all

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MODEL = ServedModel("regressor", {}, "", digest="sha256:a", fingerprint="sha256:b")


def fail_half_way(path: Path) -> None:
    with open_unfinished(path, start_over=False) as run, closing(run.writer()) as writer:
        writer.write(ODD_ROWS)
        raise RuntimeError


@pytest.mark.parametrize("suffix", FORMATS)
def test_the_file_appears_only_when_all_is_written(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"rows{suffix}"

    with open_unfinished(path, start_over=False) as run:
        with closing(run.writer()) as writer:
            writer.write(ODD_ROWS)
            run.save({"output": writer.save()})
        existed = path.exists()
        run.complete(path.with_name("rejected.csv"))

    assert not existed
    assert read_all(path) == ODD_ROWS
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_failing_batch_leaves_no_file(tmp_path: Path, suffix: str) -> None:
    with pytest.raises(RuntimeError):
        fail_half_way(tmp_path / f"rows{suffix}")

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_failing_batch_keeps_an_older_file(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"rows{suffix}"
    path.write_text("older")

    with pytest.raises(RuntimeError):
        fail_half_way(path)

    assert path.read_text() == "older"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_new_file_has_the_usual_mode(tmp_path: Path, suffix: str) -> None:
    before = os.umask(0o027)
    try:
        write_all(tmp_path / f"rows{suffix}", ODD_ROWS)
    finally:
        os.umask(before)

    assert stat.S_IMODE((tmp_path / f"rows{suffix}").stat().st_mode) == 0o640


def test_a_folder_that_is_missing_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "missing" / "rows.csv"

    with pytest.raises(InferError, match=f"^cannot write into {path.parent}: No such file or directory$"):
        write_all(path, ODD_ROWS)


def test_a_folder_in_the_files_place_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.mkdir()

    with pytest.raises(InferError, match=f"^cannot write {path}: Is a directory$"):
        write_all(path, ODD_ROWS)

    assert list(tmp_path.iterdir()) == [path]


def test_a_file_of_an_unknown_format_is_not_begun(tmp_path: Path) -> None:
    with pytest.raises(InferError, match=r"has an unknown format$"):
        write_all(tmp_path / "rows.xlsx", ODD_ROWS)

    assert list(tmp_path.iterdir()) == []


def save(target: Path, bound: dict[str, object], **more: object) -> None:
    with open_unfinished(target, start_over=False) as run:
        writer = run.writer()
        writer.write(ODD_ROWS[:2])
        run.save({"bound": bound, "rows": 2, "output": writer.save(), **more})
        writer.write(ODD_ROWS[2:4])
        writer.close()


@pytest.mark.parametrize("suffix", [*FORMATS, pytest.param(".csv.gz", id="csv.gz")])
def test_what_was_written_behind_the_saved_state_is_cut_off(tmp_path: Path, suffix: str) -> None:
    whole, target = tmp_path / f"whole{suffix}", tmp_path / f"rows{suffix}"
    write_all(whole, ODD_ROWS)
    save(target, {})

    with open_unfinished(target, start_over=False) as run:
        run.state = saved_state(target)
        with closing(run.writer()) as writer:
            writer.write(ODD_ROWS[2:])
            run.save({"output": writer.save()})
        run.complete(tmp_path / "rejected.csv")

    assert target.read_bytes() == whole.read_bytes()


def saved_state(target: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((Unfinished(target).folder / "state.json").read_text())
    return found


def source_of(tmp_path: Path) -> Path:
    source = tmp_path / "in.csv"
    source.write_text("a\n1\n2\n")
    os.utime(source, ns=(1, 1))
    return source


def change_time(source: Path) -> None:
    os.utime(source, ns=(2, 2))


def change_start(source: Path) -> None:
    source.write_text("a\n1\n3\n")
    os.utime(source, ns=(1, 1))


def change_length(source: Path) -> None:
    source.write_text("a\n1\n2\n3\n")
    os.utime(source, ns=(1, 1))


@pytest.mark.parametrize("change", [change_time, change_start, change_length])
def test_another_input_is_refused(tmp_path: Path, change: Callable[[Path], None]) -> None:
    source, target = source_of(tmp_path), tmp_path / "out.csv"
    save(target, bound_to(source, MODEL, {}, is_pipe=False))
    change(source)

    with pytest.raises(RunNotResumed, match=r"is not the file that it was when .*out\.csv\.unfinished"):
        Unfinished(target).load(bound_to(source, MODEL, {}, is_pipe=False), source)


def test_rows_of_a_pipe_are_the_same_whenever_they_come(tmp_path: Path) -> None:
    source, target = source_of(tmp_path), tmp_path / "out.csv"
    save(target, bound_to(source, MODEL, {}, is_pipe=True))
    change_time(source)
    run = Unfinished(target)

    run.load(bound_to(source, MODEL, {}, is_pipe=True), source)

    assert run.rows == 2
    change_start(source)
    with pytest.raises(RunNotResumed):
        run.load(bound_to(source, MODEL, {}, is_pipe=True), source)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        pytest.param(replace(MODEL, digest="sha256:c", fingerprint="sha256:d"), "another model", id="model"),
        pytest.param(replace(MODEL, fingerprint="sha256:d"), "other packages or settings", id="packages"),
    ],
)
def test_another_model_is_refused(tmp_path: Path, model: ServedModel, message: str) -> None:
    source, target = source_of(tmp_path), tmp_path / "out.csv"
    save(target, bound_to(source, MODEL, {}, is_pipe=False))

    with pytest.raises(RunNotResumed, match=message) as raised:
        Unfinished(target).load(bound_to(source, model, {}, is_pipe=False), source)

    assert str(raised.value.hint).endswith("with --start-over")


def test_other_options_are_refused_by_their_names(tmp_path: Path) -> None:
    source, target = source_of(tmp_path), tmp_path / "out.csv"
    save(target, bound_to(source, MODEL, {"--strict": False, "--rejected": "csv"}, is_pipe=False))

    with pytest.raises(RunNotResumed, match=r"was begun with another --strict$"):
        Unfinished(target).load(
            bound_to(source, MODEL, {"--strict": True, "--rejected": "csv"}, is_pipe=False), source
        )


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"bound": {}}'])
def test_a_state_that_infer_did_not_write_is_refused(tmp_path: Path, content: str) -> None:
    source, target = source_of(tmp_path), tmp_path / "out.csv"
    save(target, {})
    (Unfinished(target).folder / "state.json").write_text(content)

    with pytest.raises(RunNotResumed, match=r"state\.json cannot be read$"):
        Unfinished(target).load(bound_to(source, MODEL, {}, is_pipe=False), source)


def test_a_state_of_another_format_is_refused(tmp_path: Path) -> None:
    source, target = source_of(tmp_path), tmp_path / "out.csv"
    bound = bound_to(source, MODEL, {}, is_pipe=False)
    save(target, {**bound, "format": 0})

    with pytest.raises(RunNotResumed, match="another infer began"):
        Unfinished(target).load(bound, source)


@pytest.mark.parametrize(("suffix", "lost"), [(".csv", "rows"), (".parquet", "parts/1.parquet")])
def test_a_file_that_has_lost_rows_is_refused(tmp_path: Path, suffix: str, lost: str) -> None:
    target = tmp_path / f"out{suffix}"
    save(target, {})
    (Unfinished(target).folder / lost).unlink()
    run = Unfinished(target)
    run.state = saved_state(target)

    with pytest.raises(RunNotResumed, match=f"a part of .*{lost} is missing"):
        run.writer()


def test_starting_over_forgets_what_was_done(tmp_path: Path) -> None:
    source, target = source_of(tmp_path), tmp_path / "out.csv"
    bound = bound_to(source, MODEL, {}, is_pipe=False)
    save(target, bound)

    with open_unfinished(target, start_over=True) as run:
        run.load(bound, source)

        assert run.rows == 0
    assert list(tmp_path.iterdir()) == [source]


def test_one_process_at_a_time_writes_a_file(tmp_path: Path) -> None:
    target = tmp_path / "out.csv"

    with (
        open_unfinished(target, start_over=False),
        pytest.raises(InferError, match="another infer writes into"),
        open_unfinished(target, start_over=False),
    ):
        pass


@pytest.mark.parametrize("suffix", [*FORMATS, pytest.param(".jsonl.gz", id="jsonl.gz")])
@pytest.mark.parametrize("moved", ["nothing", "rejected", "all"])
def test_the_end_can_be_done_again(tmp_path: Path, suffix: str, moved: str) -> None:
    """The process may be killed between any two of the last steps."""
    target, rejected = tmp_path / f"out{suffix}", tmp_path / "rejected.csv"
    with open_unfinished(target, start_over=False) as run:
        writer, refused = run.writer(), run.rejected_writer("csv")
        writer.write(ODD_ROWS)
        refused.write(ODD_ROWS[:1])
        run.save({"output": writer.save(), "rejected": refused.save(), "refused": 1})
        writer.close()
        refused.close()
        shutil.copytree(run.folder, tmp_path / "copy")
        run.complete(rejected)
        expected = target.read_bytes(), rejected.read_bytes()
    folder = Unfinished(target).folder
    shutil.move(tmp_path / "copy", folder)
    if moved != "nothing":
        state = saved_state(target)
        (folder / "state.json").write_text(json.dumps({**state, "is_complete": True}))
        is_made = suffix in (".parquet", ".jsonl.gz")
        if is_made:
            (folder / "finished").write_bytes(expected[0])
        (folder / "rejected").unlink()
        if moved == "all":
            (folder / ("finished" if is_made else "rows")).unlink(missing_ok=True)
        else:
            target.unlink()
    else:
        target.unlink()
        rejected.unlink()

    run = Unfinished(target)
    run.state = saved_state(target)
    run.complete(rejected)

    assert (target.read_bytes(), rejected.read_bytes()) == expected
    assert sorted(tmp_path.iterdir()) == sorted([target, rejected])


def test_without_refused_rows_an_older_file_of_such_is_removed(tmp_path: Path) -> None:
    (tmp_path / "rejected.csv").write_text("older")

    write_all(tmp_path / "out.csv", ODD_ROWS)

    assert not (tmp_path / "rejected.csv").exists()


def test_a_compressed_file_is_the_same_each_time(tmp_path: Path) -> None:
    one, other = tmp_path / "one.csv.gz", tmp_path / "other.csv.gz"
    write_all(one, ODD_ROWS)
    write_all(other, ODD_ROWS)

    assert one.read_bytes() == other.read_bytes()
    assert gzip.decompress(one.read_bytes()).startswith(b"id,size,note\n1,1.5,")
    assert read_all(one) == ODD_ROWS
