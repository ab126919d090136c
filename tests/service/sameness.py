"""Comparison of large values."""

from __future__ import annotations


def assert_same(found: object, expected: object, what: object = "") -> None:
    """Fail with the first difference of two values alone.

    pytest's own comparison of two long texts looks for the lines that are most alike, which can take hours
    where thousands of lines differ a little.
    """
    if found == expected:
        return
    texts = repr(found), repr(expected)
    at = next((place for place, (one, other) in enumerate(zip(*texts)) if one != other), min(map(len, texts)))
    parts = " is not ".join(text[max(0, at - 60) : at + 60] for text in texts)
    raise AssertionError(f"{str(what)[:500]}: at {at} of {len(texts[0])}: {parts}")
