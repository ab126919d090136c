"""Mutates models, shows each file to both gates and asks what loads, and counts what became of them."""

from __future__ import annotations

import json
import os
import re
import warnings
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, NamedTuple

from infer_cli.errors import InferError
from infer_cli.inspection import inspect_model, require_safe
from service.application import make_served_model
from service.errors import ServiceError
from service.loading.model_file import load_model
from service.models.fitted_model import FittedModel
from service.own_answers import Judge, is_estimator, make_rows
from tests.safety.fuzz.forms import FORMS, SUFFIXES, mutated
from tests.safety.fuzz.seeds import ALL
from tests.safety.fuzz.watch import Watched, watched

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from tests.safety.fuzz.watch import Tell

ROWS = 3
# After so many files, what became of them is told.
PROGRESS = 1000
NOT_MADE = "not saved"
BOTH = "refused by both"
INSPECTION = "refused by the inspection alone"
SERVICE = "refused by the service alone"
PREDICTED = "loaded and predicted"
ROW_REFUSED = "loaded, and refused the row"
FAILED = "failures"
OUTCOMES = (BOTH, INSPECTION, SERVICE, PREDICTED, ROW_REFUSED, FAILED, NOT_MADE)


class Case(NamedTuple):
    """One mutated file: a model, others whose parts are put into it, how it is saved, and what is changed."""

    name: str
    others: tuple[str, ...]
    form: str
    protocol: int
    seeds: tuple[int, ...]

    @classmethod
    def of(cls, number: int, names: tuple[str, ...] = ALL) -> Case:
        """Give the case of a number, always the same."""
        random = Random(number)
        others = (random.choice(names), random.choice(names))
        changes = random.choice((1, 1, 1, 1, 2, 3))
        seeds = tuple(random.randrange(2**32) for _ in range(changes))
        return cls(random.choice(names), others, random.choice(FORMS), random.choice((0, 2, 4, 4)), seeds)


@dataclass
class Found:
    """What became of all files."""

    counts: Counter[str] = field(default_factory=Counter)
    inspection_alone: Counter[str] = field(default_factory=Counter)
    service_alone: Counter[str] = field(default_factory=Counter)
    examples: dict[str, int] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)


def run(
    numbers: Iterable[int], folder: Path, say: Callable[[str], None], names: tuple[str, ...] = ALL
) -> Found:
    """Try the case of each number; files that fail are kept in the folder."""
    found = Found()
    for number in numbers:
        case = Case.of(number, names)
        result = tried(case, folder)
        outcome = outcome_of(result)
        found.counts[outcome] += 1
        if not found.counts.total() % PROGRESS:
            say(", ".join(f"{count} {outcome}" for outcome, count in found.counts.most_common()))
        for alone, gate, reasons in (
            (INSPECTION, "inspection", found.inspection_alone),
            (SERVICE, "service", found.service_alone),
        ):
            if outcome == alone:
                reason = _kind(result.get(gate))
                reasons[reason] += 1
                found.examples.setdefault(reason, number)
        if outcome == FAILED:
            found.failures.append(_failure(number, case, result, folder))
            say(found.failures[-1])
    return found


def _failure(number: int, case: Case, result: Watched, folder: Path) -> str:
    """Keep the smallest file that fails, and say what it does."""
    case, result = _minimised(case, result, folder)
    kept = folder / f"failure-{number}{SUFFIXES[case.form]}"
    _file(case, folder).replace(kept)
    lines = (
        f"failure of {number}: {result.failure or result.get('error')}",
        str(case),
        f"while: {result.stage}",
        f"at: {result.get('where') or result.said}",
        f"inspection: {result.get('inspection') or 'takes it'}",
        f"file: {kept}",
    )
    return "\n  ".join(lines)


def tried(case: Case, folder: Path) -> Watched:
    """Make the file of a case, show it to both gates, and ask the model, all in a watched child."""
    make = mutated(case.name, case.others, case.form, case.protocol, list(case.seeds))
    file = _file(case, folder)
    target = os.open(file, os.O_RDWR | os.O_CREAT | os.O_TRUNC)

    def job(tell: Tell) -> None:
        warnings.simplefilter("ignore")
        tell(stage="saving")
        data = make()
        # The file was opened before: from here on, nothing may open one.
        written = 0
        while written < len(data):
            written += os.write(target, data[written:])
        tell(stage="inspection", made=len(data))
        try:
            require_safe(inspect_model(file), ())
        except InferError as error:
            tell(inspection=str(error)[:800])
        tell(stage="loading")
        try:
            loaded = load_model(file)
            tell(stage="describing", loaded=True)
            served = make_served_model(loaded)
        except ServiceError as error:
            tell(service=str(error)[:800])
            return
        tell(stage="making rows")
        rows = make_rows(loaded)[:ROWS]
        tell(stage="predicting")
        for row in rows:
            try:
                served.endpoint.answer_body(json.dumps(row).encode())
                tell(predicted=True)
            except ServiceError as error:
                tell(row=str(error)[:300])
        tell(stage="predicting by itself")
        if isinstance(loaded.model, FittedModel) and is_estimator(loaded.model):
            Judge(loaded.model).each(rows)

    try:
        return watched(job, file)
    finally:
        os.close(target)


def _file(case: Case, folder: Path) -> Path:
    return folder / f"model{SUFFIXES[case.form]}"


def outcome_of(result: Watched) -> str:
    """Name what became of a file."""
    if result.get("made") is None:
        return NOT_MADE
    if result.failure is not None or result.get("error") is not None:
        return FAILED
    if result.get("service") is not None:
        return SERVICE if result.get("inspection") is None else BOTH
    if result.get("inspection") is not None:
        return INSPECTION
    return PREDICTED if result.get("predicted") else ROW_REFUSED


def _minimised(case: Case, result: Watched, folder: Path) -> tuple[Case, Watched]:
    """Give the case with the fewest changes that fails, with its result."""
    for seed in case.seeds if len(case.seeds) > 1 else ():
        smaller = case._replace(seeds=(seed,))
        tried_again = tried(smaller, folder)
        if outcome_of(tried_again) == FAILED:
            return smaller, tried_again
    return case, tried(case, folder) if len(case.seeds) > 1 else result


def _kind(reason: str) -> str:
    """Give a reason without what differs from file to file."""
    reason = re.sub(r"\S*/model\.\w+", "FILE", reason)
    reason = re.sub(r"'[^']*'|\"[^\"]*\"", "'…'", reason)
    reason = re.sub(r"\b\d[\d.,]*\b", "N", reason)
    reason = re.sub(r"\S*[\[\].]\S*\w", "PLACE", reason)
    return reason[:160]
