"""Which results of a model an answer has: each is named as the method of the estimator that gives it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from service.errors import InvalidInput
from service.protocols.near_names import nearest
from service.protocols.row_checks import shortened

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.json_values import JsonValue
    from service.prediction.predictor import Predictor
    from service.schema.features import Rows

    # Results by name, each with one element for each row.
    Results = dict[str, list[JsonValue]]

PROBABILITIES = "predict_proba"
# The name in a query by which a client chooses results.
CHOICE = "output"
_CHOOSES = f"{CHOICE}="
# Other names of the answer itself: KServe's own, and MLServer's where the method is another one.
ALIASES = ("output-0", "predict")


class Outputs:
    """The results of one model: `main` is what answers, `results` come with it, and `further` cost a call."""

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor
        model = predictor.model
        self.main = model.method
        self.results = tuple(model.results)
        self.further = tuple(model.further_results)

    def chosen(self, names: Sequence[str]) -> list[str]:
        """Give the results that a client asks for by name; raise `InvalidInput` for one that there is not."""
        known = (*self.results, *self.further)
        chosen = []
        for name in names:
            found = self.main if name in ALIASES and name not in known else name
            if found not in known:
                near = nearest(name, [*known])
                meant = f" (did you mean {near}?)" if near else ""
                raise InvalidInput(f"the model has no {shortened(name)}{meant}: it has {', '.join(known)}")
            if found not in chosen:
                chosen.append(found)
        return chosen

    def of_query(self, query: str) -> list[str]:
        """Give the results that a query chooses by `output=`, in one value with commas, or in several."""
        if _CHOOSES not in query:
            return []
        values = [value for name, value in parse_qsl(query, keep_blank_values=True) if name == CHOICE]
        return self.chosen([name.strip() for value in values for name in value.split(",") if name.strip()])

    def ask(self, rows: Rows, names: Sequence[str], *, is_empty: bool = False) -> Results:
        """Give the results of these names for the checked rows of a request, and what comes `beside` them.

        With `is_empty` there are no rows.
        """
        if is_empty:
            return {name: [] for name in names}
        found = self.compute(rows, names)
        self._predictor.answered(rows, found.get(self.main))
        return found

    def compute(self, rows: Rows, names: Sequence[str]) -> Results:
        """Give what `ask` gives, for rows that need not be those of a request: they are not counted."""
        found: Results = {}
        if not self.further or any(name in self.results for name in names):
            predictions = self._predictor.predict(rows)
            found[self.main] = predictions.values
            if predictions.probabilities is not None:
                found[PROBABILITIES] = predictions.probabilities
            if predictions.scores:
                found.update(predictions.scores)
        for name in names:
            if name in self.further:
                predictions = self._predictor.predict_further(rows, name)
                found[name] = predictions.values
                scores = predictions.scores or {}
                found.update({f"{name}.{more}": values for more, values in scores.items()})
        if len(found) == len(names):
            return found
        return {name: values for name, values in found.items() if name.partition(".")[0] in names}

    def beside(self, name: str, results: Results) -> list[str]:
        """Name the results that a method gives beside its own, as distances with neighbours."""
        return [one for one in results if one.startswith(f"{name}.")] if name in self.further else []
