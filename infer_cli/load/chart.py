"""The distribution of latencies as a chart: of plain characters, and as an SVG file."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from infer_cli.load.quantities import duration_text

if TYPE_CHECKING:
    from infer_cli.load.latencies import Latencies

_BINS, _SVG_BINS = 12, 60
# The width of the lines, and of what stands before the bar.
_WIDTH, _LABELS = 79, 21
_MARKED = (50, 90, 99)
_SVG_WIDTH, _SVG_HEIGHT, _MARGIN = 720, 360, 50


def text_chart(latencies: Latencies) -> str:
    """A line for each bin: its upper end, its share of all, and a bar; any share has at least a dot.

    No line is longer than 79 characters. The widths of the bins grow with the latency.
    """
    bins = latencies.distribution(_BINS)
    most = max((count for _, count in bins), default=0)
    lines = [f"{'UP TO':>9}  {'SHARE':>8}"]
    for upper, count in bins:
        bar = "#" * round(count / most * (_WIDTH - _LABELS)) or ("." if count else "")
        share = f"{count / latencies.count:.2%}" if count else "0"
        lines.append(f"{duration_text(upper):>9}  {share:>8}  {bar}".rstrip())
    return "\n".join(lines)


def svg_chart(latencies: Latencies, title: str) -> str:
    """The same distribution as an SVG image, with lines at the percentiles 50, 90 and 99."""
    bins = latencies.distribution(_SVG_BINS)
    most = max((count for _, count in bins), default=1)
    wide = (_SVG_WIDTH - 2 * _MARGIN) / max(1, len(bins))
    base = _SVG_HEIGHT - _MARGIN
    parts = []
    for at, (upper, count) in enumerate(bins):
        high = count / most * (base - _MARGIN)
        name = f"up to {duration_text(upper)}: {count}"
        parts.append(
            f'<rect x="{_MARGIN + at * wide:.1f}" y="{base - high:.1f}" width="{wide * 0.9:.1f}" '
            f'height="{high:.1f}" fill="#4477aa"><title>{name}</title></rect>'
        )
        if at % 10 == 0:
            parts.append(_text(_MARGIN + (at + 1) * wide, base + 18, duration_text(upper), "middle"))
    for line, percent in enumerate(_MARKED):
        value = latencies.percentile(percent)
        at = next((at for at, (upper, _) in enumerate(bins) if value <= upper), 0)
        x = _MARGIN + (at + 0.45) * wide
        parts.append(
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{_MARGIN}" y2="{base}" stroke="#cc3311" '
            f'stroke-dasharray="4"/>'
        )
        # At the right, the words stand before their line, or the edge would cut them.
        side, anchor = (-4, "end") if x > _SVG_WIDTH * 0.8 else (4, "start")
        parts.append(_text(x + side, _MARGIN + 14 * (line + 1), f"p{percent} {duration_text(value)}", anchor))
    parts.append(
        f'<line x1="{_MARGIN}" x2="{_SVG_WIDTH - _MARGIN}" y1="{base}" y2="{base}" stroke="#333333"/>'
    )
    parts.append(_text(_SVG_WIDTH / 2, 24, title, "middle"))
    parts.append(
        _text(_SVG_WIDTH / 2, _SVG_HEIGHT - 10, "latency from the moment a request was due", "middle")
    )
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_SVG_WIDTH} {_SVG_HEIGHT}" '
        f'font-family="sans-serif" font-size="12">\n'
        f'<rect width="100%" height="100%" fill="#ffffff"/>\n{body}\n</svg>\n'
    )


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
