"""Conditions on what was measured: `p99<20ms`, `errors>0.1%`, `rate<400`."""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from infer_cli.errors import UsageError
from infer_cli.load.quantities import duration_text, parse_duration, parse_rate, rate_text

if TYPE_CHECKING:
    from infer_cli.load.result import LoadResult

_CONDITION = re.compile(r"\s*([a-z]+)(\d+(?:\.\d+)?)?\s*(<=|>=|<|>)\s*(\S.*?)\s*")
_SHARE = re.compile(r"(\d+(?:\.\d+)?)\s*(%?)")
_OPERATORS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
_HUNDRED = 100.0
_HINT = "write, for example, 'p99<20ms', 'max<1s', 'errors>0.1%' or 'rate<400/s'"


@dataclass(frozen=True)
class Condition:
    """A comparison of one measured figure with a value.

    `figure` is `p`, `max`, `mean`, `errors` or `rate`. Latencies are in seconds. `errors` are a share if
    `is_share`, else a count.
    """

    text: str
    figure: str
    percent: float
    comparison: str
    value: float
    is_share: bool = False

    def measured(self, result: LoadResult) -> float:
        """The figure in a result; a latency of no answers is infinite."""
        match self.figure:
            case "p":
                return result.latencies.percentile(self.percent)
            case "max":
                return result.latencies.percentile(_HUNDRED)
            case "mean":
                return result.latencies.mean_s
            case "errors":
                return result.error_share if self.is_share else result.errors
        return result.rate

    def holds(self, result: LoadResult) -> bool:
        """Whether the comparison is true."""
        return bool(_OPERATORS[self.comparison](self.measured(result), self.value))

    def measured_text(self, result: LoadResult) -> str:
        """The figure in words, such as `p99 is 12.3 ms`."""
        value = self.measured(result)
        name = f"p{self.percent:g}" if self.figure == "p" else self.figure
        if self.figure == "errors":
            return f"{name} are {value:.3%}" if self.is_share else f"{name} are {value:.0f}"
        return f"{name} is {rate_text(value) if self.figure == 'rate' else duration_text(value)}"


def parse_condition(option: str, text: str) -> Condition:
    """Read a condition; raises `UsageError`."""
    found = _CONDITION.fullmatch(text)
    if found is None:
        raise UsageError(f"{option} {text!r} is no condition", hint=_HINT)
    figure, percent, comparison, value = found.groups()
    if (figure == "p") != (percent is not None) or figure not in ("p", "max", "mean", "errors", "rate"):
        raise UsageError(f"{option} {text!r}: there is no figure {figure}{percent or ''}", hint=_HINT)
    if percent is not None and not 0 < float(percent) <= _HUNDRED:
        raise UsageError(f"{option} {text!r}: percentiles go up to 100", hint=_HINT)
    if figure == "errors":
        share = _SHARE.fullmatch(value)
        if share is None:
            raise UsageError(f"{option} {text!r}: {value} is neither a share nor a count", hint=_HINT)
        divisor = _HUNDRED if share[2] else 1.0
        return Condition(text, figure, 0, comparison, float(share[1]) / divisor, is_share=bool(share[2]))
    if figure == "rate":
        return Condition(text, figure, 0, comparison, parse_rate(option, value))
    return Condition(text, figure, float(percent or 0), comparison, parse_duration(option, value))
