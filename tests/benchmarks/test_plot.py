from pathlib import Path

from benchmarks import plot
from benchmarks.columns import Column
from benchmarks.load import Slice
from benchmarks.serving import Measured, Results


def test_the_same_results_give_the_same_bytes(tmp_path: Path) -> None:
    column = Column("iris", "iris, 1 row", "iris")
    results = Results()
    for name, rate in (("infer", 400), ("quick", 100)):
        results.add("iris", name, Measured(loaded=Slice(rate, 1, 2), alone=Slice(rate, 1, 2)))
    for file in ("one.svg", "two.svg"):
        plot.draw(tmp_path / file, [column], results, names=["quick", "absent"])
    drawn = (tmp_path / "one.svg").read_text()
    assert drawn.startswith("<?xml")
    assert drawn == (tmp_path / "two.svg").read_text()
