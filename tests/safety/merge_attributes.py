"""Makes `service/attributes.txt` of what `observe_attributes` found with several versions of scikit-learn.

`python -m tests.safety.merge_attributes RESULT.json … > service/attributes.txt`. Without a result, it prints
the lists that are there, with what stands here and was not observed.
"""

from __future__ import annotations

import json
import sys
import textwrap
from collections import defaultdict
from pathlib import Path
from typing import Any

from service.loading.attributes import DATA_KINDS, known_classes
from service.loading.policy import FILE as POLICY
from service.loading.policy import MAKE

HEADER = """\
# What the attributes of a model's parts may hold. The allow-list, policy.txt, says what a file may make; this
# file says where the objects may then lie. The service checks a loaded model by it before it calls any method
# of the model, and infer checks a file by it before anything is loaded.
#
# "methods:" lists names that no attribute may hide, unless the attribute is listed.
# Any other line without an indent names a class and the kind of its objects; without a kind, that is the name
# of the class. An indented line lists kinds of values, a colon, and the attributes that may hold values of
# these kinds, alone or in lists, tuples, sets, dictionaries and arrays of objects:
#
#   plain     a boolean, a number, bytes, a date, a slice, a data type
#   text      a string; with =word …, one of these words only
#   array     an array of NumPy without objects, an index or column of pandas
#   objects   an array of NumPy with objects, which must be of the listed kinds too
#   data      any of the four above
#   sparse    a sparse matrix or array of SciPy
#   table     a DataFrame or Series of pandas
#   function  a function of the allow-list that it lists as a value, and partial objects of one
#   method    a method of a model that the allow-list lists
#   str       a method of Python's strings that the allow-list lists, and partial objects of one
#   type      a type of numbers or strings, or of Python's own
#   random    a random state of NumPy
#
# A number behind a kind, as in "estimator/2", counts the sequences and dictionaries around the value; without
# a number, any number of them is right. "table/2[2]" is a table that also is the third in its sequence. Any
# attribute may hold None. One that is not listed may hold data, estimators, functions, random states, types
# and classes: users add such attributes. One whose name no class here has, and that starts with no
# underscore, may hold tables and parts of models too.
#
# The lists hold what was found in estimators of scikit-learn 1.1 to 1.9, of XGBoost, LightGBM, CatBoost,
# imbalanced-learn and category_encoders, fitted over their parameters, and what scikit-learn's own
# `_parameter_constraints` allow. Make the file again after a change, with one result for each version:
#
#   python -m tests.safety.observe_attributes RESULT.json    (or observe_boosters)
#   python -m tests.safety.merge_attributes RESULT.json … > service/attributes.txt
#
# Without a result, the lists that are there are taken, and get what `merge_attributes` itself adds.
"""
# Strings that the libraries take for names of methods or functions, or that make them open files.
RESPONSES = ("auto", "decision_function", "predict", "predict_log_proba", "predict_proba")
CHOICES: dict[str, tuple[str, ...]] = {
    "_response_method": RESPONSES,
    "chain_method": RESPONSES,
    "chain_method_": RESPONSES,
    "hash_method": ("blake2b", "blake2s", "md5", "sha1", "sha224", "sha256", "sha384", "sha512"),
    "input": ("content",),
    "response_method": RESPONSES,
    "stack_method": RESPONSES,
    "stack_method_": RESPONSES,
}
# Beside arrays, these change nothing of what an attribute that holds data may do.
HARMLESS = {"random", "sparse", "table", "type"}
# Attributes of searches, which hold whatever parameters were searched, and are read by training alone.
SEARCHED = ("best_params_", "cv_results_", "param_distributions", "param_grid", "params")
SEARCHED_KINDS = {"data", "estimator", "function", "kernel", "random", "sparse", "splitter", "type"}
METADATA = "sklearn.utils._metadata_requests.MetadataRequest"
# Classes that need another package or much time to fit, with a class that has the same attributes.
ALIKE = {
    "_BSpline": "BSpline",
    "GLMMEncoder": "MEstimateEncoder",
    "SMOTENC": "SMOTE",
    "_IdentityClassifier": "LinearRegression",
}
# Modules whose classes may stand for each other.
GROUPS = {
    "scipy.interpolate._bsplines": "spline",
    "sklearn._loss.link": "link",
    "sklearn.neighbors._ball_tree": "neighbors",
    "sklearn.neighbors._kd_tree": "neighbors",
    "sklearn.neural_network._stochastic_optimizers": "optimizer",
}
# What was not observed, because it needs parameters or tables that are seldom used.
CHOSEN = {"array", "estimator/2", "function/2", "objects", "plain", "text"} | {
    f"sklearn.compose._column_transformer.{name}/2" for name in ("_RemainderColsList", "make_column_selector")
}
MORE: dict[str, dict[str, set[str]]] = {
    "sklearn.compose._column_transformer.ColumnTransformer": {
        "_remainder": {kind.replace("/2", "/1") for kind in CHOSEN},
        # A column of a table says which columns are chosen: `table.dtypes == object`.
        "transformers": {*CHOSEN, "table/2[2]"},
        "transformers_": {*CHOSEN, "table/2[2]"},
        "_columns": {"table/1"},
    },
    # Of SciPy 1.18 and newer.
    "scipy.interpolate._bsplines.BSpline": {
        "_delegate_to": {"spline/0"},
        "_xp": {"plain"},
        "_xp_internal": {"plain"},
    },
    # Rankers need groups of rows.
    "catboost.core.": {"_object": {"_catboost._CatBoost/0"}},
    "lightgbm.sklearn.": {"_Booster": {"lightgbm.basic.Booster/0"}},
    "xgboost.sklearn.": {"_Booster": {"xgboost.core.Booster/0"}},
    # skops saves an array of objects of two dimensions as lists of lists.
    "sklearn.ensemble._gb.": {"estimators_": {"estimator/2"}},
    "sklearn.ensemble._hist_gradient_boosting.gradient_boosting.": {
        "_preprocessor": {"estimator/0"},
        "_raw_predict": {"method/0"},
        "_scorer": {"function/0", "scorer/0"},
    },
    # The type of the array that a function makes.
    "sklearn.preprocessing._function_transformer.": {"kw_args": {"type"}, "inv_kw_args": {"type"}},
    "sklearn.cluster._birch.Birch": {"n_clusters": {"estimator/0", "plain"}},
    "sklearn.compose._column_transformer.make_column_selector": {"dtype_exclude": {"data", "type"}},
    "sklearn.gaussian_process._gpc._Binary": {"kernel": {"kernel/0", "plain", "text"}},
    "sklearn.model_selection._search": {"scorer_": {"function/0", "function/1", "scorer/0", "scorer/1"}},
}
# What texts are given to: methods of strings, but no other function, as some would multiply the texts.
OF_TEXTS = ("analyzer", "preprocessor", "strip_accents", "tokenizer")
# What users may give to parameters of these names, in any estimator: only training calls it.
SCORING = {"function/0", "function/1", "plain", "scorer/0", "scorer/1", "text"}
PARAMETERS: dict[str, set[str]] = {
    "base_estimator": {"estimator/0", "plain", "text"},
    "cv": {"data", "splitter"},
    "estimator": {"estimator/0", "plain", "text"},
    "random_state": {"random"},
    "scoring": SCORING,
}
SPLITTER: dict[str, set[str]] = {"cv": {"class"}, "random_state": {"random"}}
# Classes of containers: what matters is what lies in them.
CONTAINERS = ("Bunch", "_DictWithDeprecatedKeys", "_ImputerTriplet")
# Packages whose objects are no parts with attributes of their own.
UNLISTED = ("builtins", "joblib", "pandas", "uuid")
WIDTH = 110


def merged(results: list[dict[str, Any]]) -> dict[str, tuple[str, dict[str, set[str]]]]:
    """Join what was found with several versions: for each class its group and the kinds of its attributes."""
    groups: dict[str, str] = {}
    for result in results:
        for name, found in result.items():
            groups[name] = groups.get(name) or GROUPS.get(name.rpartition(".")[0]) or found["group"]
    kinds: dict[str, dict[str, set[str]]] = {name: defaultdict(set) for name in groups}
    for result in results:
        for name, found in result.items():
            for attribute, some in found["attributes"].items():
                # An attribute that held empty containers alone has no kinds, but is listed.
                together = kinds[name][attribute]
                for one in some:
                    if " " in one:
                        # A function or class of the observer itself.
                        continue
                    kind, slash, depth = one.partition("/")
                    together.add((groups.get(kind) or kind) + slash + depth)
    return {
        name: (group, attributes(name, group, kinds[name]))
        for name, group in groups.items()
        if name.rpartition(".")[2] not in CONTAINERS
    }


def attributes(name: str, group: str, observed: dict[str, set[str]]) -> dict[str, set[str]]:
    """Give the kinds that each attribute of a class may hold."""
    found = {
        attribute: SEARCHED_KINDS if attribute in SEARCHED else allowed(some)
        for attribute, some in observed.items()
    }
    return with_more(name, group, found)


def with_more(name: str, group: str, found: dict[str, set[str]]) -> dict[str, set[str]]:
    """Add to the kinds that the attributes of a class may hold what was not observed."""
    for start, more in MORE.items():
        if name.startswith(start):
            found |= {attribute: found.get(attribute, set()) | kinds for attribute, kinds in more.items()}
    for attribute, kinds in {"estimator": PARAMETERS, "splitter": SPLITTER}.get(group, {}).items():
        is_known = {kind.partition("/")[0] for kind in kinds} <= {
            kind.partition("/")[0] for kind in found.get(attribute, set())
        }
        if attribute in found and not is_known:
            found[attribute] = found[attribute] | kinds
    found |= {one: {"plain", "str", "text"} for one in OF_TEXTS if one in found}
    if group == "estimator":
        found["_metadata_request"] = {f"{METADATA}/0"}
    return found


def allowed(observed: set[str]) -> set[str]:
    """Give the kinds that an attribute may hold which held these."""
    others = observed - DATA_KINDS
    bare = {kind.partition("/")[0] for kind in others}
    if bare <= HARMLESS:
        return {"data"} | bare
    words = {"plain", "text"} if observed & {"plain", "text"} else set()
    return others | words | (observed & {"array", "objects"})


def listed() -> dict[str, tuple[str, dict[str, set[str]]]]:
    """Give the lists that are there, with what was not observed."""
    found = {}
    for name, one in known_classes().items():
        group = "" if one.group == name else one.group
        kinds = {attribute: set(some) for attribute, some in one.attributes.items()}
        found[name] = (group, with_more(name, group, kinds))
    return found


def with_aliases(classes: dict[str, tuple[str, dict[str, set[str]]]]) -> dict[str, tuple[str, Any]]:
    """Add the other modules under which the allow-list lists a class that was observed under one module."""
    by_name = {name.rpartition(".")[2].rstrip("2346"): one for name, one in classes.items()}
    added: dict[str, tuple[str, Any]] = {}
    section = module = ""
    for line in POLICY.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            section = line[1:].partition("]")[0]
        elif line and not line.startswith("#") and section == MAKE:
            before, colon, after = line.partition(":")
            module = before if colon else module
            for name in (after if colon else line).split():
                full = f"{module}.{name}"
                if (
                    full not in classes
                    and name not in CONTAINERS
                    and module.partition(".")[0] not in UNLISTED
                ):
                    added[full] = by_name.get(ALIKE.get(name, name.rstrip("2346")), ("", {}))
    return {**classes, **added}


def written(classes: dict[str, tuple[str, dict[str, set[str]]]], methods: set[str]) -> str:
    """Write the lists."""
    lines = [HEADER, *(f"methods: {line}" for line in textwrap.wrap(" ".join(sorted(methods)), WIDTH - 10))]
    for name, (group, found) in sorted(classes.items()):
        lines.append(f"{name} {group}".rstrip())
        by_kinds: dict[str, list[str]] = defaultdict(list)
        for attribute, kinds in found.items():
            words = sorted(kinds)
            if attribute in CHOICES:
                words = ["plain", "text", *(f"={word}" for word in CHOICES[attribute])]
            by_kinds[" ".join(words)].append(attribute)
        for kinds_listed, names in sorted(by_kinds.items()):
            lines.append(f"  {kinds_listed}:")
            lines += [f"    {line}" for line in textwrap.wrap(" ".join(sorted(names)), WIDTH - 4)]
    return "\n".join(lines) + "\n"


def main(files: list[str]) -> None:
    """Print the lists made of these results."""
    if not files:
        classes = listed()
        sys.stdout.write(written(classes, set(next(iter(known_classes().values())).methods)))
        return
    results = [json.loads(Path(file).read_text(encoding="utf-8")) for file in files]
    models = [one for result in results for one in result.values() if one["group"] in ("estimator", "kernel")]
    methods = {name for one in models for name in one["methods"]}
    sys.stdout.write(written(with_aliases(merged(results)), methods))


if __name__ == "__main__":
    main(sys.argv[1:])
