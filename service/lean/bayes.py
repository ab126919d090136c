"""Naive Bayes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable

import numpy as np

from service.lean.arithmetic import Outcome, class_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service.lean.arithmetic import Array, Ask, Fitted


def candidates(model: Fitted) -> Iterator[Ask]:
    """Give the functions that the model may be."""
    name = class_name(model)
    if name == "GaussianNB":
        yield _most_likely(_gaussian(model))
    elif name == "BernoulliNB":
        yield _most_likely(_bernoulli(model))
    elif name == "MultinomialNB":
        weights, prior = model.feature_log_prob_.T, model.class_log_prior_
        yield _most_likely(lambda rows: rows @ weights + prior)
    elif name == "ComplementNB":
        weights, prior = model.feature_log_prob_.T, model.class_log_prior_
        yield _most_likely(lambda rows: rows @ weights + (prior if len(prior) == 1 else 0))


def _most_likely(likelihood: Callable[[Array], Array]) -> Ask:
    def ask(rows: Array) -> Outcome:
        joint = likelihood(rows)
        largest = joint.max(axis=1)[:, np.newaxis]
        # By way of the logarithm of the sum, as scikit-learn goes: with large numbers the last digits differ.
        total = largest + np.log(np.exp(joint - largest).sum(axis=1))[:, np.newaxis]
        return Outcome(joint.argmax(axis=1), np.exp(joint - total))

    return ask


def _gaussian(model: Fitted) -> Callable[[Array], Array]:
    # Before 1.0 the variances had another name; those models are too old to be served.
    means, variances = model.theta_, model.var_
    constant = np.log(model.class_prior_) - 0.5 * np.sum(np.log(2.0 * np.pi * variances), axis=1)

    def likelihood(rows: Array) -> Array:
        squares = (rows[:, np.newaxis, :] - means) ** 2
        squares /= variances
        return constant - 0.5 * squares.sum(axis=2)

    return likelihood


def _bernoulli(model: Fitted) -> Callable[[Array], Array]:
    absent = np.log(1 - np.exp(model.feature_log_prob_))
    weights = (model.feature_log_prob_ - absent).T
    constant = model.class_log_prior_ + absent.sum(axis=1)
    threshold = model.binarize

    def likelihood(rows: Array) -> Array:
        present = rows if threshold is None else (rows > threshold).astype(np.float64)
        return present @ weights + constant

    return likelihood
