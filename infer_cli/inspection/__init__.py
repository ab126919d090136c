"""Inspection of model files, without running any of their code."""

from infer_cli.inspection.declarations import schema_text
from infer_cli.inspection.declared_options import declared_by_options
from infer_cli.inspection.facts.advice import advice, build_command, code_options
from infer_cli.inspection.facts.declared import NOTHING_DECLARED, Declared, DeclaredFeature
from infer_cli.inspection.facts.features import ColumnType, Feature
from infer_cli.inspection.facts.judgement import Judgement
from infer_cli.inspection.facts.model import (
    CompiledFrom,
    Estimator,
    Inspection,
    Parameter,
    RecordedVersion,
)
from infer_cli.inspection.facts.policy import judge_globals, require_safe
from infer_cli.inspection.facts.requirements import Requirement, requirements_of, unknown_modules
from infer_cli.inspection.files.find import find_model, model_stem, within
from infer_cli.inspection.files.packed import is_unpacked
from infer_cli.inspection.nodes.arrays import Plain
from infer_cli.inspection.nodes.node_types import Global
from infer_cli.inspection.read import inspect_model
from infer_cli.inspection.saved import Saved, saved_beside

__all__ = [
    "NOTHING_DECLARED",
    "ColumnType",
    "CompiledFrom",
    "Declared",
    "DeclaredFeature",
    "Estimator",
    "Feature",
    "Global",
    "Inspection",
    "Judgement",
    "Parameter",
    "Plain",
    "RecordedVersion",
    "Requirement",
    "Saved",
    "advice",
    "build_command",
    "code_options",
    "declared_by_options",
    "find_model",
    "inspect_model",
    "is_unpacked",
    "judge_globals",
    "model_stem",
    "require_safe",
    "requirements_of",
    "saved_beside",
    "schema_text",
    "unknown_modules",
    "within",
]
