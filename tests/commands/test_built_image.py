from __future__ import annotations

from pathlib import Path

import pytest

from infer_cli.building.build import MadeImage, Proof, ProofSkipped
from infer_cli.building.verify import Verified
from infer_cli.commands.built_image import describe_image
from infer_cli.engine.registry import Pushed
from infer_cli.image.name import ImageName
from infer_cli.packages.audit import Audit
from infer_cli.packages.vulnerabilities import Vulnerability

NAME = ImageName.parse("iris:v1")
IMAGE_ID = f"sha256:{'0123456789ab' * 5}0123"


@pytest.mark.parametrize(
    ("proof", "expected"),
    [
        pytest.param(
            Verified(20, judged=20),
            "20 rows made of what the model knows, each alone and together, agree with the model's own "
            "answers",
            id="made rows",
        ),
        pytest.param(
            Verified(1),
            "1 row made of what the model knows, each alone and together, get the same answers",
            id="without a judge",
        ),
        pytest.param(
            Verified(2, judged=2, compared=8, examples=Path("data/flowers.csv")),
            "2 rows of flowers.csv, each alone and together, agree with the model's own answers; "
            "8 answers as expected",
            id="compared",
        ),
        pytest.param(
            Verified(250, judged=84, examples=Path("flowers.csv")),
            "84 of 250 rows of flowers.csv, each alone and together, agree with the model's own answers",
            id="many rows",
        ),
        pytest.param(ProofSkipped.NO_MODEL, "none, as no model was given (--model-dir DIR)", id="no model"),
        pytest.param(
            ProofSkipped.OTHER_PROCESSOR, "none, as this engine cannot run programs for arm64", id="processor"
        ),
        pytest.param(ProofSkipped.NOT_WANTED, "none (--no-verify)", id="not wanted"),
        pytest.param(ProofSkipped.UNCHANGED, "unchanged since it answered before", id="unchanged"),
    ],
)
def test_the_proof_of_an_image_is_shown(proof: Proof, expected: str) -> None:
    text, record = describe_image(MadeImage(NAME, IMAGE_ID, 56_500_000, "arm64", proof))

    assert text == f"Built iris:v1 (56.5 MB, sha256:0123456789ab)\nProof: {expected}"
    assert record == {"tag": "iris:v1", "id": IMAGE_ID, "size_bytes": 56_500_000, "proof": expected}


def test_a_pushed_image_is_shown_with_its_digest() -> None:
    pushed = Pushed("big.example/iris:v1", "sha256:2")

    text, record = describe_image(MadeImage(NAME, IMAGE_ID, 1, "amd64", Verified(5), pushed))

    assert text.splitlines()[-1] == "Pushed big.example/iris@sha256:2"
    assert record["digest"] == "sha256:2"


def test_the_known_vulnerabilities_of_an_image_are_shown() -> None:
    audit = Audit(25, (Vulnerability("flask", "3.1.3", "GHSA-2", severity="low", fixed="3.2"),))

    text, record = describe_image(MadeImage(NAME, IMAGE_ID, 1, "amd64", Verified(5), audit=audit))

    assert text.splitlines()[2:] == [
        "1 of 25 packages has known vulnerabilities:",
        "  flask 3.1.3  GHSA-2, low, fixed in 3.2",
    ]
    assert record["vulnerabilities"] == audit.as_dict()
