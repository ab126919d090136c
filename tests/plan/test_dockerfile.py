from __future__ import annotations

import pytest

from infer_cli.plan.dockerfile import quote, render_dockerfile


def test_each_placeholder_gets_its_value() -> None:
    template = "FROM {{ base_image }}\n# {{ base_image }} {{ note }}\n"

    text = render_dockerfile(template, {"base_image": "scratch", "note": "hello"})

    assert text == "FROM scratch\n# scratch hello\n"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("ENV A=$B\n", id="a variable of Docker"),
        pytest.param("ENV A=${B:-c}\n", id="a variable of Docker with a default"),
        pytest.param("LABEL a={{a}}\n", id="braces without spaces"),
        pytest.param("LABEL a={{ A }}\n", id="upper case"),
        pytest.param("LABEL a={ a }\n", id="single braces"),
        pytest.param("LABEL a=\\1 \\g<name>\n", id="escapes of regular expressions"),
    ],
)
def test_text_that_is_no_placeholder_stays(text: str) -> None:
    assert render_dockerfile(text, {}) == text


def test_a_value_is_inserted_unchanged() -> None:
    value = r"\1 {{ other }} $HOME ${HOME} \g<name>"

    assert render_dockerfile("LABEL a={{ a }}", {"a": value}) == f"LABEL a={value}"


@pytest.mark.parametrize(
    ("template", "values", "names"),
    [
        pytest.param("{{ a }} {{ b }}", {"a": "1"}, "b", id="value missing"),
        pytest.param("{{ a }}", {"a": "1", "b": "2"}, "b", id="placeholder missing"),
        pytest.param("{{ c }} {{ a }}", {"b": "2", "a": "1"}, "b, c", id="both"),
    ],
)
def test_a_name_in_only_one_of_template_and_values_is_an_error(
    template: str, values: dict[str, str], names: str
) -> None:
    with pytest.raises(KeyError, match=f"template and values differ in: {names}'"):
        render_dockerfile(template, values)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("", '""', id="nothing"),
        pytest.param("two words", '"two words"', id="space"),
        pytest.param('say "hello"', r'"say \"hello\""', id="quotes"),
        pytest.param("$HOME", r'"\$HOME"', id="variable"),
        pytest.param("a\\b", r'"a\\b"', id="backslash"),
        pytest.param("\\$A", r'"\\\$A"', id="escaped variable"),
        pytest.param("two\nlines", '"two lines"', id="newline"),
    ],
)
def test_a_value_is_quoted_and_escaped(value: str, expected: str) -> None:
    assert quote(value) == expected
