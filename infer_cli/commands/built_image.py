"""The text and the record of an image that `infer build` or `infer compile` made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infer_cli.terminal.command_line import given_command
from infer_cli.terminal.units import size_text

if TYPE_CHECKING:
    from pathlib import Path

    from infer_cli.building.build import MadeImage, Proof
    from infer_cli.building.verify import Verified
    from infer_cli.packages.audit import Audit
    from infer_cli.plan.run import ModelMount

# Of many names, the first ones are enough to see what is meant.
SHOWN_NAMES = 5


def describe_image(image: MadeImage) -> tuple[str, dict[str, object]]:
    """The name, the size and the proof of an image, its known vulnerabilities, and where it was pushed to."""
    proof = proof_text(image.proof, image.architecture)
    text = f"Built {image.name} ({size_text(image.size_bytes)}, {image.image_id[:19]})\nProof: {proof}"
    record: dict[str, object] = {
        "tag": str(image.name),
        "id": image.image_id,
        "size_bytes": image.size_bytes,
        "proof": proof,
    }
    if image.audit is not None:
        text += described(image.audit)
        record["vulnerabilities"] = image.audit.as_dict()
    if image.pushed is not None:
        text += f"\nPushed {image.pushed.reference}"
        record["digest"] = image.pushed.digest
    return text, record


def described(audit: Audit) -> str:
    """Lines that tell the known vulnerabilities; empty if none is known."""
    from infer_cli.building.vulnerable import describe_audit  # noqa: PLC0415 (keeps `infer --help` quick)

    text = describe_audit(audit)
    return f"\n{text}" if text else ""


def proof_text(proof: Proof, architecture: str = "its processor") -> str:
    """How an image for a processor was proved, or why it was not."""
    from infer_cli.building.build import ProofSkipped  # noqa: PLC0415 (keeps `infer --help` quick)

    if not isinstance(proof, ProofSkipped):
        return _verified_text(proof)
    return {
        ProofSkipped.NO_MODEL: "none, as no model was given (--model-dir DIR)",
        ProofSkipped.OTHER_PROCESSOR: f"none, as this engine cannot run programs for {architecture}",
        ProofSkipped.NOT_WANTED: "none (--no-verify)",
        ProofSkipped.UNCHANGED: "unchanged since it answered before",
    }[proof]


def _verified_text(proof: Verified) -> str:
    """Which rows were answered, and with what the answers agree."""
    rows = "1 row" if proof.rows == 1 else f"{proof.rows} rows"
    agree = "agree with the model's own answers" if proof.judged else "get the same answers"
    if proof.examples is None:
        return f"{rows} made of what the model knows, each alone and together, {agree}"
    # Of very many rows, some are compared.
    which = f"{proof.judged} of {rows}" if 0 < proof.judged < proof.rows else rows
    compared = f"; {proof.compared} answers as expected" if proof.compared else ""
    return f"{which} of {proof.examples.name}, each alone and together, {agree}{compared}"


def offer_examples(mount: ModelMount | None, examples: Path | None) -> str:
    """A line that says what to do about columns whose type had to be guessed; empty if there are none."""
    model = mount.inspection if mount else None
    if model is None or examples is not None:
        return ""
    guessed = [feature.name for feature in model.features or () if feature.type == "any" and feature.required]
    if not guessed:
        return ""
    shown = ", ".join(guessed[:SHOWN_NAMES]) + (", …" if len(guessed) > SHOWN_NAMES else "")
    command = given_command("--examples", "FILE")
    return f"\nThe model does not tell the type of {shown}. Rows of yours tell it, and prove more: {command}"
