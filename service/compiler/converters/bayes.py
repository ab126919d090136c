"""Naive Bayes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from service.compiler.functions import class_name
from service.compiler.operations import Gaussian, Product, Threshold
from service.compiler.outputs import Chain, Classifier

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service.compiler.functions import Ask, Fitted, Step


def candidates(model: Fitted) -> Iterator[Ask]:
    """Give what the model may be."""
    name = class_name(model)
    if name == "GaussianNB":
        yield _most_likely(_gaussian(model))
    elif name == "BernoulliNB":
        likely = _most_likely(_bernoulli(model))
        yield likely if model.binarize is None else Chain([Threshold(model.binarize)], likely)
    elif name == "MultinomialNB":
        yield _most_likely(Product(model.feature_log_prob_.T, model.class_log_prior_))
    elif name == "ComplementNB":
        prior = model.class_log_prior_
        yield _most_likely(Product(model.feature_log_prob_.T, prior if len(prior) == 1 else 0.0))


def _most_likely(likelihood: Step) -> Classifier:
    return Classifier(likelihood, "largest", "normalized logarithms")


def _gaussian(model: Fitted) -> Gaussian:
    constant = np.log(model.class_prior_) - 0.5 * np.sum(np.log(2.0 * np.pi * model.var_), axis=1)
    return Gaussian(model.theta_, model.var_, constant)


def _bernoulli(model: Fitted) -> Product:
    absent = np.log(1 - np.exp(model.feature_log_prob_))
    weights = (model.feature_log_prob_ - absent).T
    return Product(weights, model.class_log_prior_ + absent.sum(axis=1))
