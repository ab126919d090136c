from __future__ import annotations

from xml.etree import ElementTree as ET

from infer_cli.load.chart import svg_chart, text_chart
from infer_cli.load.latencies import Latencies

_SVG = "{http://www.w3.org/2000/svg}"


def two_hills() -> Latencies:
    latencies = Latencies()
    for _ in range(9900):
        latencies.add(0.010)
    for number in range(100):
        latencies.add(0.2 + number / 1000)
    return latencies


def test_a_chart_fits_80_columns_and_any_share_is_seen() -> None:
    lines = text_chart(two_hills()).splitlines()

    assert max(map(len, lines)) == 79
    assert text_chart(two_hills()).isascii()
    assert lines[0] == "    UP TO     SHARE"
    assert lines[1].startswith("  13.3 ms    99.00%  ####")
    assert lines[-1] == "   301 ms     0.73%  ."
    assert {line.split()[-1] for line in lines[2:9]} == {"0"}


def test_a_chart_of_one_latency_is_one_bar() -> None:
    one = Latencies()
    one.add(0.005)

    assert len(text_chart(one).splitlines()) == 2


def test_an_svg_has_a_bar_for_each_bin_and_names_the_percentiles() -> None:
    tree = ET.fromstring(svg_chart(two_hills(), "a & b <c>"))  # noqa: S314 (our own)
    texts = [element.text for element in tree.iter(f"{_SVG}text")]
    bars = [one for one in tree.iter(f"{_SVG}rect") if one.find(f"{_SVG}title") is not None]
    counts = [int(str(bar[0].text).rpartition(": ")[2]) for bar in bars]

    assert "a & b <c>" in texts
    assert {"p50 10.0 ms", "p90 10.0 ms", "p99 10.0 ms"} <= set(texts)
    assert sum(counts) == 10_000
    for bar in bars:
        assert 0 <= float(bar.attrib["x"]) <= 720
        assert 0 <= float(bar.attrib["y"]) <= 360
