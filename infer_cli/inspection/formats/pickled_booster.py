"""Boosters of XGBoost and LightGBM that were pickled by themselves, without their class for scikit-learn.

`service/loading/booster_files.py` serves such a booster as the file that its library would write.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from infer_cli.inspection.facts.boosters import (
    LIGHTGBM_BOOSTER,
    XGBOOST_BOOSTER,
    lightgbm_start,
    pandas_lists,
    xgboost_start,
    xgboost_version,
)
from infer_cli.inspection.facts.xgboost_columns import head_of
from infer_cli.inspection.files.refusal import Refused
from infer_cli.inspection.formats import lightgbm_file, xgboost_file
from infer_cli.inspection.nodes.node_types import Instance, Node

if TYPE_CHECKING:
    from infer_cli.inspection.facts.booster_files import BoosterFile

HINT = "Save the trained booster with booster.save_model('model.json')."


def pickled_booster(node: Node) -> BoosterFile | None:
    """Describe a booster that was pickled by itself; None for any other object.

    Raises `Refused` for a booster that was not trained, or of which the pickle machine keeps too little.
    """
    if not isinstance(node, Instance):
        return None
    readers = {XGBOOST_BOOSTER: _xgboost, LIGHTGBM_BOOSTER: _lightgbm}
    reader = readers.get(str(node.made_by))
    if reader is None:
        return None
    try:
        return reader(node)
    except (AttributeError, IndexError, KeyError, OverflowError, TypeError, ValueError) as error:
        reason = f"holds a Booster that infer does not read ({type(error).__name__}: {error})"
        raise Refused(reason, hint=HINT) from error


def _xgboost(node: Instance) -> BoosterFile:
    found = head_of(xgboost_start(node))
    if found is None:
        message = "its start has no columns"
        raise ValueError(message)
    objective = found["objective"]
    learner = {
        # The parameters of training name the objective, too.
        "objective": objective if isinstance(objective, dict) else {"name": objective},
        "learner_model_param": found,
        "attributes": {"scikit_learn": found.get("scikit_learn")},
        "feature_names": found.get("feature_names"),
        "feature_types": found.get("feature_types"),
        "gradient_booster": {"model": {"cats": found.get("cats")}},
    }
    version = [int(part) for part in (xgboost_version(node) or "").split(".") if part]
    return xgboost_file.described(learner, version)


def _lightgbm(node: Instance) -> BoosterFile:
    start = lightgbm_start(node)
    head = lightgbm_file.fields_of(start[: start.index(lightgbm_file.TREES)])
    return lightgbm_file.with_categories(head, *pandas_lists(node))
