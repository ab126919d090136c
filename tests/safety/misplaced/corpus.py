"""All models of known parts in wrong places: see `made`."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from tests.safety.misplaced.broken import broken
from tests.safety.misplaced.callables import callables
from tests.safety.misplaced.chosen_methods import chosen_methods
from tests.safety.misplaced.disguised import disguised
from tests.safety.misplaced.files import files
from tests.safety.misplaced.shadows import shadows
from tests.safety.misplaced.wrong_parts import wrong_parts

if TYPE_CHECKING:
    from tests.safety.misplaced.made import Misplaced

PARTS = (chosen_methods, callables, shadows, wrong_parts, files, disguised, broken)


def misplaced(canary: str) -> list[Misplaced]:
    """Give all models: one that runs writes the file of this path, or reads that with `.read` behind it."""
    with warnings.catch_warnings():
        # The models are trained on a dozen rows.
        warnings.simplefilter("ignore")
        return [model for part in PARTS for model in part(canary)]
