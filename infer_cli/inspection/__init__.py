"""Knows a model file without running any of its code."""

from infer_cli.inspection.find import find_model
from infer_cli.inspection.model import (
    CompiledFrom,
    Estimator,
    Feature,
    Inspection,
    Parameter,
    RecordedVersion,
)
from infer_cli.inspection.nodes import Global
from infer_cli.inspection.policy import Judged, judge_globals, require_safe
from infer_cli.inspection.read import inspect_model
from infer_cli.inspection.requirements import Requirement, requirements_of, unknown_modules

__all__ = [
    "CompiledFrom",
    "Estimator",
    "Feature",
    "Global",
    "Inspection",
    "Judged",
    "Parameter",
    "RecordedVersion",
    "Requirement",
    "find_model",
    "inspect_model",
    "judge_globals",
    "require_safe",
    "requirements_of",
    "unknown_modules",
]
