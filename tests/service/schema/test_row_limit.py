from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable

import pytest

from service.errors import TooManyRows
from service.schema.row_limit import MOST_ROWS, RowLimit
from tests.service.protocols import wire
from tests.service.protocols.test_same_rows import mixed_model

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from sklearn.linear_model import LogisticRegression

    from tests.service.conftest import MakeClient

NUMBERS = {"slength": 5.1, "swidth": 3.5, "plength": 1.4, "pwidth": 0.2}
MIXED = {"age": 41.5, "rooms": 2.0, "town": "Köln", "size": "S", "member": True, "note": "bad"}
OWN: dict[str, Callable[[Any], wire.Sent]] = {
    path: lambda rows, path=path: wire.Sent(path, wire.dumps({"rows": rows}))  # type: ignore[misc]
    for path in ("/prediction", "/prediction?output=decision_function")
}
OF_MIXED = {**OWN, **wire.FORMS, **wire.WITHOUT_MISSING_TEXTS, **wire.CELLS}
OF_NUMBERS = {**OF_MIXED, **wire.NUMBERS}


def test_a_request_may_have_as_many_rows_and_no_more() -> None:
    limit = RowLimit(3)

    limit.check(3)
    with pytest.raises(TooManyRows, match="has more than the 3 rows that the setting MAX_ROWS allows"):
        limit.check(4)


@pytest.mark.parametrize("rows", [1, 10, MOST_ROWS, 10 * MOST_ROWS])
@pytest.mark.parametrize("columns", [1, 5])
def test_rows_of_scalars_in_json_have_room_for_their_lists_and_objects(rows: int, columns: int) -> None:
    around = 2

    RowLimit(rows).check_brackets(rows + around, columns)


def test_few_rows_have_room_for_a_list_around_each_value() -> None:
    RowLimit(1000).check_brackets(1000 * (1 + 30), 30)


def test_no_limit_allows_more_lists_and_objects_than_rows_for_their_own_sake() -> None:
    for limit in (RowLimit(10), RowLimit(), RowLimit(2 * MOST_ROWS)):
        with pytest.raises(TooManyRows, match="more lists and objects than the"):
            limit.check_brackets(max(10 * (1 + 30), limit.rows) + 2000, 30)


def check_all(client: FlaskClient, forms: dict[str, Callable[[Any], wire.Sent]], row: object) -> None:
    for name, make in forms.items():
        assert make([row] * 3).to(client).status_code == 200, name
        # Code in C reads large tables.
        for count in (4, 400):
            response = make([row] * count).to(client)
            assert response.status_code == 413, (name, count)
            assert "more than the 3 rows that the setting MAX_ROWS allows" in response.text, (name, count)


def test_the_limit_holds_in_every_wire_format(
    make_client: MakeClient, classifier: LogisticRegression
) -> None:
    check_all(make_client(classifier, max_rows=3), OF_NUMBERS, NUMBERS)


def test_the_limit_holds_in_every_wire_format_for_texts(make_client: MakeClient) -> None:
    check_all(make_client(mixed_model(), max_rows=3), OF_MIXED, MIXED)


def test_a_table_of_empty_lists_is_refused_unread(make_client: MakeClient) -> None:
    body = b'{"inputs": [%s]}' % b",".join([b"[]"] * 5000)

    for path in (wire.INFER, wire.V1, wire.INVOCATIONS):
        response = wire.Sent(path, body).to(make_client(mixed_model(), max_rows=3))
        assert response.status_code == 413
        assert "more lists and objects than the 3 rows need that the setting MAX_ROWS allows" in response.text


def test_the_description_for_triton_has_the_limit(
    make_client: MakeClient, classifier: LogisticRegression
) -> None:
    for max_rows, batch in ((3, 3), (MOST_ROWS, 1024)):
        config = make_client(classifier, max_rows=max_rows).get("/v2/models/model/config").json
        assert config is not None
        assert config["max_batch_size"] == batch
