"""Tables of mixed column types, end to end: the service answers as the pipeline does in Python."""

from __future__ import annotations

import csv
import json
import pickle
import socket
import urllib.request
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest

from tests.conftest import open_to_all

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from infer_cli.engine.connection import Engine
    from tests.conftest import Finished
    from tests.integration.untyped import Estimator, Frame


@pytest.fixture(scope="module")
def mixed_folder(mixed_models: dict[str, Estimator], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mixed") / "data"
    folder.mkdir()
    (folder / "model.pkl").write_bytes(pickle.dumps(mixed_models["many"]))
    open_to_all(folder)
    return folder


@pytest.fixture(scope="module")
def mixed_service(
    engine: Engine,
    infer: Callable[..., Finished],
    mixed_folder: Path,
    base_image: str,
    tag: Callable[[], str],
) -> Iterator[tuple[str, str]]:
    """The name and URL of a running service of the mixed model."""
    image = tag()
    folder = ("--model-dir", str(mixed_folder))
    built = infer("build", "--tag", image, *folder, "--base-image", base_image)
    assert built.exit_code == 0, built.stderr
    name = f"infer-test-{image.partition('/')[2].partition(':')[0]}"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    started = infer("run", image, *folder, "-d", "--name", name, "--port", str(port), "--json")
    try:
        assert started.exit_code == 0, started.stderr
        yield name, f"http://127.0.0.1:{port}"
    finally:
        for container in engine.api.containers(all=True, filters={"name": name}):
            engine.api.remove_container(container["Id"], force=True, v=True)


def test_a_csv_file_gets_the_answers_of_the_pipeline(
    infer: Callable[..., Finished],
    mixed_service: tuple[str, str],
    mixed_models: dict[str, Estimator],
    mixed_frame: Frame,
    tmp_path: Path,
) -> None:
    source, target = tmp_path / "in.csv", tmp_path / "out.csv"
    mixed_frame.assign(id="007").to_csv(source, index=False)

    finished = infer("predict", mixed_service[0], "--input", str(source), "--output", str(target))

    assert finished.exit_code == 0, finished.stderr
    with target.open(newline="") as file:
        answers = list(csv.DictReader(file))
    model = mixed_models["many"]
    assert [answer["prediction"] for answer in answers] == model.predict(mixed_frame).tolist()
    expected = model.predict_proba(mixed_frame)[:, 1]
    assert [float(answer["probability_yes"]) for answer in answers] == pytest.approx(expected.tolist())
    assert {answer["id"] for answer in answers} == {"007"}
    assert [answer["zip"] for answer in answers] == mixed_frame["zip"].fillna("").tolist()


def test_parquet_and_json_lines_files_get_the_answers_of_the_pipeline(
    infer: Callable[..., Finished],
    mixed_service: tuple[str, str],
    mixed_models: dict[str, Estimator],
    mixed_frame: Frame,
    tmp_path: Path,
) -> None:
    mixed_frame.to_parquet(tmp_path / "in.parquet")
    mixed_frame.to_json(tmp_path / "in.jsonl", orient="records", lines=True, date_format="iso")
    expected = mixed_models["many"].predict(mixed_frame).tolist()

    for ending in ("parquet", "jsonl"):
        target = tmp_path / f"out-{ending}.jsonl"
        finished = infer("predict", mixed_service[0], "-i", str(tmp_path / f"in.{ending}"), "-o", str(target))

        assert finished.exit_code == 0, finished.stderr
        assert [json.loads(line)["prediction"] for line in target.read_text().split("\n")[:-1]] == expected


def test_one_row_from_the_command_line_and_in_a_query(
    infer: Callable[..., Finished],
    mixed_service: tuple[str, str],
    mixed_models: dict[str, Estimator],
    mixed_frame: Frame,
) -> None:
    name, url = mixed_service
    values = {
        "age": "",
        "income": "3000",
        "town": 'say "hi"',
        "zip": "007",
        "size": "M",
        "rooms": "3",
        "member": "true",
        "since": "2021-05-06",
        "note": "söße & 100%",
    }
    typed = {**values, "age": float("nan"), "income": 3000, "rooms": 3, "member": True}
    row = mixed_frame.head(1).assign(**typed).astype({"since": "datetime64[us]"})
    expected = mixed_models["many"].predict_proba(row)[0].tolist()

    with urllib.request.urlopen(f"{url}/prediction?{urlencode(values)}") as response:
        answer = json.load(response)
    record = infer("predict", name, *(f"{key}={value}" for key, value in values.items()), "--json").record

    assert list(answer["probabilities"].values()) == pytest.approx(expected)
    assert list(record["probabilities"].values()) == pytest.approx(expected)
    assert answer["inputs"]["zip"] == "007"


def test_every_wrong_field_is_named(infer: Callable[..., Finished], mixed_service: tuple[str, str]) -> None:
    values = ("income=much", "size=XXL", "rooms=4", "member=maybe", "since=yesterday")

    refused = infer("predict", mixed_service[0], *values)

    assert refused.exit_code == 1
    assert (
        'size is none of the categories that the model knows: "XXL" (known: "L", "M", "S")' in refused.stderr
    )
    for field in ("income", "rooms", "member", "since", "note"):
        assert field in refused.stderr


def test_the_example_in_the_description_works(mixed_service: tuple[str, str]) -> None:
    url = mixed_service[1]
    with urllib.request.urlopen(f"{url}/model") as response:
        example = json.load(response)["example"]

    with urllib.request.urlopen(url + example) as response:
        assert json.load(response)["prediction"] in {"yes", "no"}


def test_a_model_of_numbers_alone_needs_no_pandas(
    infer: Callable[..., Finished], iris_folder: Path, mixed_folder: Path, base_image: str
) -> None:
    planned = {
        folder: infer(
            "build",
            "--tag",
            "x",
            "--model-dir",
            str(folder),
            "--base-image",
            base_image,
            "--dry-run",
            "--json",
        ).record["requirements"]
        for folder in (iris_folder, mixed_folder)
    }

    assert not any(pin.startswith("pandas") for pin in planned[iris_folder])
    assert any(pin.startswith("pandas==") for pin in planned[mixed_folder])
