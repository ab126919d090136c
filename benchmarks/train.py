"""Trains the models, in an environment of their own, and writes them with rows and the right answers.

Run by `models.py`; what is written to the folder given is read by every server.
"""

import json
import pickle
import sys
from pathlib import Path
from typing import Any

from sklearn.datasets import load_iris, make_classification
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

_SEED = 1
_DIGITS = 4


def main() -> None:
    """Train all models, and write them."""
    folder = Path(sys.argv[1])
    measures, species = load_iris(return_X_y=True)
    table, labels = make_classification(8000, n_features=30, n_informative=12, random_state=_SEED)
    table = table.round(_DIGITS)
    logistic = LogisticRegression(max_iter=1000)
    forest = RandomForestClassifier(100, random_state=_SEED)
    boosting = make_pipeline(StandardScaler(), HistGradientBoostingClassifier(random_state=_SEED))
    _write(folder, "logistic", logistic.fit(measures, species), measures)
    _write(folder, "forest", forest.fit(measures, species), measures)
    _write(folder, "neighbors", KNeighborsClassifier().fit(measures, species), measures)
    _write(folder, "boosting", boosting.fit(table[4000:], labels[4000:]), table[:4000])


def _write(folder: Path, name: str, model: Any, rows: Any) -> None:  # noqa: ANN401 (neither has types)
    home = folder / name
    home.mkdir()
    (home / "model.pkl").write_bytes(pickle.dumps(model, protocol=5))
    cases = {"rows": rows.tolist(), "labels": model.predict(rows).tolist()}
    (home / "cases.json").write_text(json.dumps(cases))


if __name__ == "__main__":
    main()
