"""The commands refuse a model that the service would refuse, before they make anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from infer_cli.engine.images import ImageFacts
from infer_cli.errors import ModelUnsafe
from infer_cli.plan import labels
from infer_cli.plan.run import RunPlan
from infer_cli.running.image_checks import check_trust
from infer_cli.running.model_mount import mount_model

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import Finished

OWN_CODE = b"\x80\x04chelpers.models\nMine\n)\x81."


def image(trusted: str | None) -> ImageFacts:
    found = {labels.SERVICE: "1", **({labels.TRUST: trusted} if trusted else {})}
    return ImageFacts("sha256:0", ("iris:v1",), 0, "amd64", found, {})


@pytest.mark.parametrize(
    "command", [("build", "--tag", "x:v1", "--dry-run"), ("serve",)], ids=["build", "serve"]
)
def test_a_model_that_is_not_safe_is_refused(
    infer: Callable[..., Finished], unsafe_folder: Path, command: tuple[str, ...]
) -> None:
    refused = infer(*command, "--model-dir", str(unsafe_folder), "--trust", "helpers", "--trust", "posix")

    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "posix.system: dangerous, runs programs" in refused.stderr
    assert "helpers" not in refused.stderr
    assert "hint: do not load it" in refused.stderr


def test_for_own_code_the_hint_is_trust(infer: Callable[..., Finished], tmp_path: Path) -> None:
    (tmp_path / "model.pkl").write_bytes(OWN_CODE)

    refused = infer("build", "--tag", "x:v1", "--dry-run", "--model-dir", str(tmp_path))

    assert refused.exit_code == 1
    assert "helpers.models.Mine: unknown" in refused.stderr
    assert "--trust helpers" in refused.stderr


def test_for_code_of_a_script_the_hint_is_a_module(infer: Callable[..., Finished], tmp_path: Path) -> None:
    (tmp_path / "model.pkl").write_bytes(OWN_CODE.replace(b"helpers.models", b"__main__"))

    refused = infer("build", "--tag", "x:v1", "--dry-run", "--model-dir", str(tmp_path))

    assert "hint: move Mine from the training script into a module" in refused.stderr


@pytest.mark.parametrize(
    ("of_image", "chosen", "expected"),
    [
        pytest.param("helpers", (), ("helpers",), id="by the image"),
        pytest.param(None, ("helpers",), ("helpers",), id="by the user"),
        pytest.param("other", ("helpers",), ("helpers", "other"), id="by both"),
        pytest.param("other", (), None, id="by nobody"),
    ],
)
def test_a_run_trusts_what_the_image_and_the_user_trust(
    tmp_path: Path, of_image: str | None, chosen: tuple[str, ...], expected: tuple[str, ...] | None
) -> None:
    (tmp_path / "model.pkl").write_bytes(OWN_CODE)
    # The file of one object with no state does not tell its columns.
    (tmp_path / "infer.json").write_text('{"features": [{"name": "a"}]}')
    model = mount_model(tmp_path, None, writable=False)

    if expected is None:
        with pytest.raises(ModelUnsafe):
            check_trust(model, image(of_image), chosen)
    else:
        assert check_trust(model, image(of_image), chosen) == expected


def test_trust_reaches_the_service_and_is_recorded() -> None:
    plan = RunPlan(image="x:v1", name="x", host_port=5000, trusted=("a.b", "helpers"))

    assert plan.all_environment["TRUST"] == "a.b helpers"
    assert plan.labels["infer.trust"] == "a.b helpers"
