"""What the service has counted, as Triton's page "extension_statistics" has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.json_values import JsonValue


def statistics(
    name: str, versions: Sequence[str], *, succeeded: int, failed: int, rows: int, duration_s: float
) -> JsonValue:
    """Describe requests for predictions, in whatever wire format; the duration is that of all of them."""
    none: JsonValue = {"count": 0, "ns": 0}
    duration: JsonValue = {"count": succeeded, "ns": round(duration_s * 1e9)}
    return {
        "model_stats": [
            {
                "name": name,
                "version": versions[0],
                "inference_count": rows,
                "execution_count": succeeded,
                "inference_stats": {
                    "success": duration,
                    "fail": {"count": failed, "ns": 0},
                    "queue": none,
                    "compute_input": none,
                    "compute_infer": duration,
                    "compute_output": none,
                },
                "batch_stats": [],
            }
        ]
    }
