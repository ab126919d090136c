"""The values of a request for the log: its rows and what was predicted, as JSON of a bounded length."""

from __future__ import annotations

import json
from hashlib import blake2b
from typing import TYPE_CHECKING

from service.json_values import json_value
from service.protocols.answers import AnswerWriter

if TYPE_CHECKING:
    from service.json_values import JsonValue
    from service.prediction.recording import Record

MOST_ROWS = 10
MOST_TEXT = 200
# Docker's log driver divides lines of more than 16 KiB: each half has less than a third of that, as the path
# of a request may take the last third.
MOST_CHARACTERS = 5000


def is_sampled(key: str, share: float) -> bool:
    """Tell whether a request is among the share that is logged: the same for the same key in each service."""
    number = int.from_bytes(blake2b(key.encode(), digest_size=8).digest(), "big")
    return number < share * 2**64


def logged_values(record: Record) -> dict[str, JsonValue]:
    """Give `inputs`, and what was predicted for them, by row; nothing if the model was not asked.

    There are at most 10 rows. `cut` is there, and true, if anything was left out or shortened.
    """
    if record.predictor is None or record.rows is None:
        return {}
    names = [feature.name for feature in record.predictor.features]
    first = record.rows[:MOST_ROWS]
    rows = [dict(zip(names, row)) for row in (first if isinstance(first, list) else first.tolist())]
    writer = _Writer(is_cut=len(record.rows) > len(rows))
    inputs = writer.bounded(rows)
    found: dict[str, JsonValue] = {"inputs": inputs}
    results: dict[str, JsonValue] = {}
    if record.predictions is not None:
        part = record.predictions.part(0, len(inputs))
        results.update(AnswerWriter(record.predictor.classes).answer(part))
    results.update({name: values[: len(inputs)] for name, values in record.further.items()})
    writer.room = MOST_CHARACTERS
    found.update({name: writer.bounded(values) for name, values in results.items()})
    if writer.is_cut:
        found["cut"] = True
    return found


class _Writer:
    """Takes values as long as there is `room` for their JSON; `is_cut` says whether it left anything out."""

    def __init__(self, *, is_cut: bool) -> None:
        self.room = MOST_CHARACTERS
        self.is_cut = is_cut

    def bounded(self, values: object) -> list[JsonValue]:
        """Give the first of these values that there is room for, and of the next one a part."""
        kept: list[JsonValue] = []
        for value in values if isinstance(values, list) else []:
            short = self._shortened(json_value(value))
            if self._fits(short):
                kept.append(short)
                continue
            if not kept:
                kept.append(self._part(short))
            break
        return kept

    def _part(self, value: JsonValue) -> JsonValue:
        """Give the first elements of a list or an object that there is room for."""
        if isinstance(value, dict):
            some: dict[str, JsonValue] = {}
            for name, element in value.items():
                if not self._fits({name: element}):
                    break
                some[name] = element
            return some
        return self.bounded(value) if isinstance(value, list) else None

    def _fits(self, value: JsonValue) -> bool:
        """Take the room for a value; if there is not enough, note that it is left out."""
        # Two more for the comma and the space after it. The log is in ASCII, where others are escapes.
        length = len(json.dumps(value)) + 2
        if length > self.room:
            self.is_cut = True
            return False
        self.room -= length
        return True

    def _shortened(self, value: JsonValue) -> JsonValue:
        if isinstance(value, str) and len(value) > MOST_TEXT:
            self.is_cut = True
            return value[:MOST_TEXT] + "…"
        if isinstance(value, list):
            return [self._shortened(element) for element in value]
        if isinstance(value, dict):
            return {name: self._shortened(element) for name, element in value.items()}
        return value
