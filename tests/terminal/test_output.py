from __future__ import annotations

import json

import pytest

from infer_cli.errors import BuildFailed, Interrupted
from infer_cli.terminal import output


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    text = output.table(("NAME", "AGE"), [("iris", "3 min"), ("a-long-name", "1 d")])

    assert text == "NAME         AGE\niris         3 min\na-long-name  1 d"


def test_a_table_without_rows_is_its_header() -> None:
    assert output.table(("NAME", "AGE"), []) == "NAME  AGE"


def test_on_a_narrow_terminal_the_widest_column_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "terminal_width", lambda: 24)

    text = output.table(("NAME", "IMAGE", "AGE"), [("iris", "registry.example/team/iris:v1", "3 min")])

    assert text == "NAME  IMAGE        AGE\niris  registry.e…  3 min"
    assert max(map(len, text.splitlines())) <= 24


def test_a_table_is_whole_in_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "10")

    assert output.table(("NAME",), [(99 * "x",)]).endswith(f"\n{99 * 'x'}")


def test_a_table_fits_every_terminal_that_has_room_for_its_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [(20 * "a", 3 * "b", 70 * "c", 30 * "d")]
    for width in range(30, 160):
        monkeypatch.setattr(output, "terminal_width", lambda width=width: width)

        lines = output.table(("ONE", "TWO", "THREE", "FOUR"), rows).splitlines()

        assert max(map(len, lines)) <= width
        assert all(line == line.rstrip() for line in lines)


def test_columns_that_are_there_to_be_copied_are_cut_last(monkeypatch: pytest.MonkeyPatch) -> None:
    header, rows = ("URL", "IMAGE", "AGE"), [("http://localhost:5000", "a-long-image:v1", "3 min")]

    monkeypatch.setattr(output, "terminal_width", lambda: 35)
    assert output.table(header, rows, kept=("URL",)) == (
        "URL                    IMAGE  AGE\nhttp://localhost:5000  a-lo…  3 min"
    )
    monkeypatch.setattr(output, "terminal_width", lambda: 30)
    assert max(map(len, output.table(header, rows, kept=("URL",)).splitlines())) <= 30


def test_a_result_is_text_for_a_person(capsys: pytest.CaptureFixture[str]) -> None:
    output.show("Built größe", {"tag": "größe"}, as_json=False)

    assert capsys.readouterr() == ("Built größe\n", "")


def test_a_result_is_one_object_for_a_script(capsys: pytest.CaptureFixture[str]) -> None:
    output.show("Built größe", {"tag": "größe"}, as_json=True)

    assert capsys.readouterr() == ('{"tag": "größe"}\n', "")


@pytest.mark.parametrize("as_json", [False, True])
def test_an_interrupt_is_a_note_and_no_result(capsys: pytest.CaptureFixture[str], *, as_json: bool) -> None:
    output.report(Interrupted(), as_json=as_json)

    assert capsys.readouterr() == ("", "interrupted\n")


@pytest.mark.parametrize(
    ("detail", "hint", "expected"),
    [
        pytest.param(None, None, "error: it broke\n", id="message"),
        pytest.param("  line", None, "error: it broke\n  line\n", id="detail"),
        pytest.param(None, "mend it", "error: it broke\nhint: mend it\n", id="hint"),
        pytest.param("  line", "mend it", "error: it broke\n  line\nhint: mend it\n", id="both"),
    ],
)
def test_an_error_is_reported(
    capsys: pytest.CaptureFixture[str], detail: str | None, hint: str | None, expected: str
) -> None:
    output.report(BuildFailed("it broke", detail=detail, hint=hint), as_json=False)

    assert capsys.readouterr() == ("", expected)


def test_an_error_is_one_object_for_a_script(capsys: pytest.CaptureFixture[str]) -> None:
    output.report(BuildFailed("it broke", hint="mend it"), as_json=True)

    out, err = capsys.readouterr()
    assert json.loads(out) == {"error": {"message": "it broke", "detail": None, "hint": "mend it"}}
    assert err == "error: it broke\nhint: mend it\n"
