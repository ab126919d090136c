"""The results of a model as tensors: those of an answer, and what they are like for a description."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.errors import InvalidInput, ModelFailed
from service.protocols.answers import class_names
from service.protocols.description import example_row
from service.protocols.open_inference.messages import WantedOutput
from service.protocols.open_inference.tensors import BYTES, Tensor, datatype_of, tensors_of_values
from service.protocols.outputs import PROBABILITIES, Outputs
from service.protocols.row_checks import RowChecks, shortened

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from service.json_values import JsonValue
    from service.prediction.predictor import Predictor
    from service.protocols.outputs import Results
    from service.protocols.tables import TableReader
    from service.schema.features import Rows
    from service.schema.usual import UsualValues


class ResultTensors:
    """Makes tensors of the results of one model.

    What a result without rows is like, the answer to a row of usual values tells.
    """

    def __init__(self, predictor: Predictor, reader: TableReader, usual: UsualValues) -> None:
        self._outputs = Outputs(predictor)
        self._reader = reader
        self._usual = usual
        labels = predictor.classes or []
        # The names of the classes for the keys of answers; a model with several outputs has none.
        self._labels = [] if any(isinstance(one, list) for one in labels) else class_names(labels)
        self._label_datatype = datatype_of(labels) if self._labels else None
        self._examples: dict[str, list[Tensor]] = {}

    def wanted(self, outputs: Sequence[WantedOutput]) -> list[tuple[WantedOutput, str]]:
        """Give the outputs that a client asks for, else the usual ones, each with its result's name."""
        if not outputs:
            return [(WantedOutput(name), name) for name in self._outputs.results]
        return [(one, self._outputs.chosen([self._method(one.name)])[0]) for one in outputs]

    def ask(self, rows: Rows, wanted: Sequence[tuple[WantedOutput, str]]) -> list[list[Tensor]]:
        """Give the tensors of each wanted output."""
        results = self._outputs.ask(rows, [name for _, name in wanted], is_empty=not len(rows))
        return [self._chosen(one, [*self._tensors(one, name, results)]) for one, name in wanted]

    def described(self) -> list[tuple[str, str, list[int]]]:
        """Give name, datatype and shape of each usual result, with -1 for the number of rows."""
        return [
            (tensor.name, tensor.datatype, [-1, *tensor.shape[1:]])
            for name in self._outputs.results
            for tensor in self._example(name)
        ]

    def _method(self, name: str) -> str:
        """Give the method of a result of which there are several, as `predict_proba.0`."""
        method = name.partition(".")[0]
        return method if method in (*self._outputs.results, *self._outputs.further) else name

    def _chosen(self, wanted: WantedOutput, tensors: list[Tensor]) -> list[Tensor]:
        if "." not in wanted.name:
            return tensors
        found = [tensor for tensor in tensors if tensor.name == wanted.name]
        if not found:
            there = ", ".join(tensor.name for tensor in tensors)
            raise InvalidInput(f"the model has no {shortened(wanted.name)}: it has {there}")
        return found

    def _tensors(self, wanted: WantedOutput, name: str, results: Results) -> Iterator[Tensor]:
        if wanted.classes:
            if name == self._outputs.main or not self._labels:
                raise InvalidInput(f"{wanted.name} has no numbers of classes; ask for {PROBABILITIES}")
            yield _best(wanted.name, results[name], self._labels, wanted.classes)
            return
        called = name if "." in wanted.name else wanted.name
        if not results[name]:
            for tensor in self._example(name):
                own = called + tensor.name[len(name) :]
                yield tensor._replace(name=own, shape=(0, *tensor.shape[1:]), values=[])
            return
        yield from self._tensors_of(called, name, results)

    def _tensors_of(self, called: str, name: str, results: Results) -> Iterator[Tensor]:
        datatype = self._label_datatype if name == self._outputs.main else None
        if name == PROBABILITIES and self._labels:
            datatype = "FP64"
        yield from tensors_of_values(called, results[name], datatype)
        for more in self._outputs.beside(name, results):
            yield from tensors_of_values(more, results[more])

    def _example(self, name: str) -> list[Tensor]:
        """Give a result for one row; what is known without an answer, if the model gives none."""
        if name not in self._examples:
            try:
                checks = RowChecks(self._reader.rules)
                rows = self._reader.of_objects(
                    [example_row(self._reader.rules.features, self._usual)], checks
                )
                found = [*self._tensors_of(name, name, self._outputs.compute(rows, [name]))]
            except (InvalidInput, ModelFailed):
                found = [self._guessed(name)]
            self._examples[name] = found
        return self._examples[name]

    def _guessed(self, name: str) -> Tensor:
        if name == PROBABILITIES:
            return Tensor(name, "FP64", (1, len(self._labels) or -1), [])
        datatype = self._label_datatype if name == self._outputs.main else None
        return Tensor(name, datatype or "FP64", (1,), [])


def _best(name: str, rows: list[JsonValue], labels: Sequence[str], count: int) -> Tensor:
    """Give the best classes of each row as texts `value:index:label`: see Triton's page "classification"."""
    texts: list[object] = []
    count = min(count, len(labels))
    for row in rows:
        values = row if isinstance(row, list) and len(row) == len(labels) else None
        if values is None:
            raise InvalidInput(f"{name} has no number for each class; ask for {PROBABILITIES}")
        order = sorted(range(len(values)), key=lambda at: (-values[at], at))[:count]  # type: ignore[operator]
        texts += [f"{values[at]}:{at}:{labels[at]}" for at in order]
    return Tensor(name, BYTES, (len(rows), count), texts)
