"""Measures, for each of scikit-learn's other estimators, whether infer is faster than every peer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks import report
from benchmarks.columns import Column
from benchmarks.environments import train_models
from benchmarks.load import require_wrk
from benchmarks.own import OWN, OwnService, own_images
from benchmarks.serving import compare

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.contender import Contender
    from benchmarks.serving import Results

# All classifiers and regressors with one output whose single rows the service predicts with NumPy or with
# scikit-learn itself. Every other estimator is served in the same way as one of the part `serving`.
ESTIMATORS = (
    *("AdaBoostClassifier", "AdaBoostRegressor", "BernoulliNB", "CalibratedClassifierCV", "CategoricalNB"),
    *("ComplementNB", "DummyClassifier", "DummyRegressor", "FixedThresholdClassifier", "GaussianNB"),
    *("GaussianProcessClassifier", "GaussianProcessRegressor", "KNeighborsClassifier"),
    *("KNeighborsRegressor", "KernelRidge", "LabelPropagation", "LabelSpreading", "MLPClassifier"),
    *("MLPRegressor", "MultinomialNB", "NearestCentroid", "NuSVC", "NuSVR", "OneVsOneClassifier"),
    *("OneVsRestClassifier", "OutputCodeClassifier", "QuadraticDiscriminantAnalysis", "RANSACRegressor"),
    *("RadiusNeighborsClassifier", "RadiusNeighborsRegressor", "SVC", "SVR", "SelfTrainingClassifier"),
    *("StackingClassifier", "StackingRegressor", "TransformedTargetRegressor"),
    *("TunedThresholdClassifierCV", "VotingClassifier", "VotingRegressor"),
)


def estimators(
    names: Sequence[str], peers: Sequence[Contender], ranked: Sequence[str], *, rounds: int, seconds: float
) -> dict[str, report.ColumnReport]:
    """Compare infer with the peers, with each of the estimators called `names` in turn.

    `ranked` are the names of the peers that can be the best one. Raises `Problem` if training fails.
    """
    require_wrk()
    models = train_models(*names)
    columns = [Column(name, name, name) for name in names]
    with own_images(models, names[:1]) as tags:
        own = OwnService(dict.fromkeys(names, tags[names[0]]), mounted=models)
        results = compare([own, *peers], columns, models, rounds=rounds, seconds=seconds)
    print("\n" + estimator_table(columns, results, ranked))
    return report.as_json(columns, results, peers=ranked)


def estimator_table(columns: Sequence[Column], results: Results, peers: Sequence[str]) -> str:
    """A line for each estimator: the best peer under load, and the best peer with one request at a time."""
    out = [f"{'':31} {'64 connections, over best peer':34} p50 of one alone, over best peer's"]
    for column in columns:
        lines = results.rounds.get(column.name, {})
        known = [name for name in peers if name in lines]
        if OWN not in lines or not known:
            problems = results.problems.get(column.name, {})
            out.append(f"  {column.name:29} could not: {problems.get(OWN) or problems}")
            continue
        own = lines[OWN]
        loaded = {name: report.throughput_ratio(own, lines[name]) for name in known}
        alone = {name: report.alone_ratio(own, lines[name]) for name in known}
        busiest = min(known, key=lambda name: loaded[name].median)
        quickest = max(known, key=lambda name: alone[name].median)
        cells = (f"{loaded[busiest]} {busiest}", f"{alone[quickest]} {quickest}")
        out.append(f"  {column.name:29} {cells[0]:34} {cells[1]}")
    return "\n".join(out)
