"""The client of MLflow, `ScoringServerClient`, as it is, and the forms of its page that it does not write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
import requests
from mlflow.pyfunc.scoring_server.client import ScoringServerClient

from tests.clients.cases import CASES, RESULTS, assert_same

if TYPE_CHECKING:
    from tests.clients.conftest import Served


def client_of(served: Served) -> ScoringServerClient:
    return ScoringServerClient("127.0.0.1", served.port)


@pytest.mark.parametrize("served", CASES, indirect=True)
def test_a_table_gets_the_answers_of_every_model(served: Served) -> None:
    table = pd.DataFrame(served.case.table, columns=served.case.names)

    found = client_of(served).invoke(table)

    right = served.case.right(RESULTS[served.name][0][0])
    assert_same(np.array(found["predictions"]), right)
    assert len(found.get_predictions()) == len(table)


@pytest.mark.parametrize("served", [name for name in CASES if name != "mixed"], indirect=True)
def test_an_array_gets_the_answers_of_every_model(served: Served) -> None:
    found = client_of(served).invoke(served.case.numbers)

    assert_same(np.array(found["predictions"]), served.case.right(RESULTS[served.name][0][0]))


@pytest.mark.parametrize("served", ["strings", "clusterer", "outlier detector"], indirect=True)
def test_a_parameter_chooses_the_method(served: Served) -> None:
    usual, further = RESULTS[served.name]
    for method in [*usual, *further]:
        found = client_of(served).invoke(served.case.table, params={"predict_method": method})

        assert_same(np.array(found["predictions"]), served.case.right(method))


def test_the_server_is_there(served: Served) -> None:
    client = client_of(served)
    client.wait_server_ready(timeout=30, scoring_server_proc=served.process)
    assert client.get_version()


def test_an_error_is_read(served: Served) -> None:
    with pytest.raises(Exception, match=r"error code 400.*swidth is missing"):
        client_of(served).invoke(served.case.table[["slength"]])


@pytest.mark.parametrize("served", ["strings", "mixed", "with gaps"], indirect=True)
def test_the_other_forms_of_its_page(served: Served) -> None:
    table = served.case.table
    plain = table.astype(object).where(table.notna(), None)
    split = {"columns": list(plain), "data": plain.to_numpy().tolist()}
    for body in (
        {"dataframe_split": split},
        {"dataframe_split": {**split, "index": list(range(len(plain)))}},
        {"dataframe_records": plain.to_dict(orient="records")},
        {"inputs": plain.to_dict(orient="list")},
        {"instances": plain.to_dict(orient="records")},
    ):
        answer = requests.post(f"{served.url}/invocations", json=body, timeout=30)

        assert answer.status_code == 200, answer.text
        assert_same(answer.json()["predictions"], served.case.right("predict"))


@pytest.mark.parametrize("served", ["strings", "mixed", "with gaps"], indirect=True)
def test_csv_as_pandas_writes_it(served: Served) -> None:
    table: Any = served.case.table
    for written in (table, table[list(reversed(table.columns))]):
        answer = requests.post(
            f"{served.url}/invocations",
            data=written.to_csv(index=False).encode(),
            headers={"Content-Type": "text/csv"},
            timeout=30,
        )

        assert answer.status_code == 200, answer.text
        assert_same(answer.json()["predictions"], served.case.right("predict"))
