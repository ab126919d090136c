"""A transformer of this project's own: it turns the four measures of a parcel into volume and density."""

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data


class VolumeAndDensity(TransformerMixin, BaseEstimator):
    """Length, width and height in cm and weight in kg become litres, and kilograms per litre.

    A density outside the range seen in training becomes the nearest end of that range,
    so a mistyped weight cannot lead to a prediction far from all training data.
    """

    def fit(self, X, y=None):
        """Learn the range of densities."""
        density = _density(validate_data(self, X))
        self.least_density_ = density.min()
        self.greatest_density_ = density.max()
        return self

    def transform(self, X):
        """Give the volume and the density of each parcel."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False)
        density = np.clip(_density(X), self.least_density_, self.greatest_density_)
        return np.column_stack([_volume(X), density])


def _volume(X):
    return X[:, 0] * X[:, 1] * X[:, 2] / 1000


def _density(X):
    volume = _volume(X)
    return np.divide(X[:, 3], volume, out=np.zeros(len(X)), where=volume > 0)
