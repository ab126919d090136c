"""Vectorizers that a service cannot give rows to.

`service/models/documents.py` refuses the same of a loaded model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from infer_cli.errors import with_article
from infer_cli.inspection.facts.entry import entries_of
from infer_cli.inspection.facts.parts import class_name
from infer_cli.inspection.files.refusal import Refused

if TYPE_CHECKING:
    from infer_cli.inspection.nodes.node_types import Instance

FILES_ADVICE = "Train it with input='content', so that a row holds the text and not the name of a file."
PAIRS_ADVICE = "Train it with input_type='dict', so that a row is a dictionary."
VECTORIZERS = frozenset({"CountVectorizer", "HashingVectorizer", "TfidfVectorizer"})


def check_documents(model: Instance) -> None:
    """Raise `Refused` for a vectorizer that would open files, or that takes what no row can hold."""
    for part in entries_of(model):
        name, state = class_name(part), part.state()
        if name in VECTORIZERS and state.get("input", "content") != "content":
            reason = f"has {with_article(name)} that reads files which a row names"
            raise Refused(reason, hint=FILES_ADVICE)
        if name == "FeatureHasher" and state.get("input_type", "dict") != "dict":
            reason = "has a FeatureHasher that takes lists of strings or of pairs"
            raise Refused(reason, hint=PAIRS_ADVICE)
