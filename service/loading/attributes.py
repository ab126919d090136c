"""What the attributes of each known class may hold: the lists of `attributes.txt`.

The twin `infer_cli/inspection/facts/attributes.py` reads the same lists on the host.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

FILE = Path(__file__).resolve().parents[1] / "attributes.txt"

# Kinds of values. `attributes.txt` says what each of them is.
PLAIN = "plain"
TEXT = "text"
ARRAY = "array"
OBJECTS = "objects"
DATA = "data"
# A method of `str`.
STR = "str"
# The kinds that `data` stands for, and itself.
DATA_KINDS = frozenset((PLAIN, TEXT, ARRAY, OBJECTS, DATA))
# The kinds of a place that takes anything.
ANY = "any"
# Where a function writes results, for which numbers it computes any, and what it calls at an overflow.
FORBIDDEN_ARGUMENTS = {
    "out": "a place for its results as {}: it would keep rows in the model",
    "where": "a mask as {}: its results would be what the memory held before",
    "extobj": "a call for its errors as {}",
}
# What a name is called in a sentence, beside its own name.
PHRASES = {
    PLAIN: "a plain value",
    TEXT: "a string",
    ARRAY: "an array",
    OBJECTS: "an array of objects",
    "estimator": "an estimator",
    "neighbors": "a tree of neighbors",
    "random": "a random state",
    "sparse": "a sparse matrix",
    STR: "a method of str",
}


@dataclass(frozen=True)
class KnownClass:
    """A class that models are made of.

    `group` is the kind of its objects, such as `estimator`; it is the full name of the class if the class is
    in no group. `attributes` maps the name of an attribute to the kinds of values that it may hold, and
    `choices` to the only strings that it may hold. `methods` are names that no attribute may hide. `names`
    are those of the attributes of all known classes.
    """

    group: str
    methods: frozenset[str] = frozenset()
    attributes: dict[str, frozenset[str]] = field(default_factory=dict)
    choices: dict[str, frozenset[str]] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)

    def kinds_of(self, attribute: str) -> frozenset[str]:
        """Give the kinds that an attribute may hold; users add attributes that are not listed."""
        is_own = attribute not in self.names and not attribute.startswith("_")
        return self.attributes.get(attribute, _KEPT if is_own else _ADDED)

    def forbids(self, attribute: str) -> bool:
        """Tell whether an attribute of this name would change what the class does."""
        is_special = attribute.startswith("__") and attribute.endswith("__")
        return attribute not in self.attributes and (attribute in self.methods or is_special)


# What users add to their models: names, scores, the scaler.
_ADDED = frozenset((DATA, "class", "estimator", "function", "random", "type"))
# What they add besides under a name that no library uses, so that none calls a method of it.
_KEPT = _ADDED.union(("kernel", "neighbors", "scorer", "sparse", "splitter", "table"))


def known(name: str) -> KnownClass | None:
    """Give what is known of the class of a full name; None if it is not listed."""
    return known_classes().get(name)


def named_alike(kind: str) -> str:
    """Name a kind of values in a sentence, with an article."""
    return PHRASES.get(kind, f"a {kind}")


@lru_cache(maxsize=1)
def known_classes() -> dict[str, KnownClass]:
    """Read `attributes.txt`; give each known class by its full name."""
    classes: dict[str, KnownClass] = {}
    methods: frozenset[str] = frozenset()
    names: set[str] = set()
    kinds: frozenset[str] = frozenset()
    choices: frozenset[str] = frozenset()
    current: KnownClass | None = None
    for line in FILE.read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        if not line.startswith(" "):
            name, _, group = line.partition(" ")
            if name == "methods:":
                methods = methods.union(group.split())
            else:
                current = classes[name] = KnownClass(group or name, methods, names=names)
            continue
        before, colon, after = line.partition(":")
        if colon:
            words = before.split()
            kinds = frozenset(word for word in words if not word.startswith("="))
            choices = frozenset(word[1:] for word in words if word.startswith("="))
        if current is None:
            raise ValueError(f"{FILE}: the line {line!r} belongs to no class")
        for name in (after if colon else line).split():
            current.attributes[name] = kinds
            names.add(name)
            if choices:
                current.choices[name] = choices
    return classes
