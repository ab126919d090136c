"""Naive Bayes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from service.compiler.functions import class_name
from service.compiler.operations import Gaussian, Product, Threshold
from service.compiler.outputs import Chain, Classifier

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service.compiler.functions import Ask, Fitted, Operation


def candidates(estimator: Fitted) -> Iterator[Ask]:
    """Give the candidate program for an estimator of this family."""
    name = class_name(estimator)
    if name == "GaussianNB":
        yield _most_likely(_gaussian(estimator))
    elif name == "BernoulliNB":
        likely = _most_likely(_bernoulli(estimator))
        yield likely if estimator.binarize is None else Chain([Threshold(estimator.binarize)], likely)
    elif name == "MultinomialNB":
        yield _most_likely(Product(estimator.feature_log_prob_.T, estimator.class_log_prior_))
    elif name == "ComplementNB":
        prior = estimator.class_log_prior_
        yield _most_likely(Product(estimator.feature_log_prob_.T, prior if len(prior) == 1 else 0.0))


def _most_likely(likelihood: Operation) -> Classifier:
    return Classifier(likelihood, "largest", "normalized logarithms")


def _gaussian(estimator: Fitted) -> Gaussian:
    constant = np.log(estimator.class_prior_) - 0.5 * np.sum(np.log(2.0 * np.pi * estimator.var_), axis=1)
    return Gaussian(estimator.theta_, estimator.var_, constant)


def _bernoulli(estimator: Fitted) -> Product:
    absent = np.log(1 - np.exp(estimator.feature_log_prob_))
    weights = (estimator.feature_log_prob_ - absent).T
    return Product(weights, estimator.class_log_prior_ + absent.sum(axis=1))
