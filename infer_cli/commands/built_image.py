"""The text and the record of an image that `infer build` or `infer compile` made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infer_cli.terminal.units import size_text

if TYPE_CHECKING:
    from infer_cli.building.build import MadeImage, Proof


def describe_image(image: MadeImage) -> tuple[str, dict[str, object]]:
    """The name, the size and the proof of an image, and where it was pushed to."""
    proof = proof_text(image.proof, image.architecture)
    text = f"Built {image.name} ({size_text(image.size_bytes)}, {image.image_id[:19]})\nProof: {proof}"
    record: dict[str, object] = {
        "tag": str(image.name),
        "id": image.image_id,
        "size_bytes": image.size_bytes,
        "proof": proof,
    }
    if image.pushed is not None:
        text += f"\nPushed {image.pushed.reference}"
        record["digest"] = image.pushed.digest
    return text, record


def proof_text(proof: Proof, architecture: str = "its processor") -> str:
    """How an image for a processor was proved, or why it was not."""
    from infer_cli.building.build import ProofSkipped  # noqa: PLC0415 (keeps `infer --help` quick)

    if not isinstance(proof, ProofSkipped):
        compared = f", {proof.compared} answers as expected" if proof.compared else ""
        return f"it answered {proof.rows} rows{compared}"
    return {
        ProofSkipped.NO_MODEL: "none, as no model was given (--model-dir DIR)",
        ProofSkipped.OTHER_PROCESSOR: f"none, as this engine cannot run programs for {architecture}",
        ProofSkipped.NOT_WANTED: "none (--no-verify)",
        ProofSkipped.UNCHANGED: "unchanged since it answered before",
    }[proof]
