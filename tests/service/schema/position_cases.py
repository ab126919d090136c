"""Names that stand for the positions of columns: the service and the command line read them alike."""

from __future__ import annotations

import pytest

NAMES = ["age", "fare"]
# The features of a model, the names in a row, and which feature each of these names stands for.
POSITIONS = [
    pytest.param(NAMES, ["x0", "x1"], {"x0": "age", "x1": "fare"}, id="letters"),
    pytest.param(NAMES, ["x1", "x0"], {"x0": "age", "x1": "fare"}, id="letters in any order"),
    pytest.param(NAMES, ["0", "1"], {"0": "age", "1": "fare"}, id="digits"),
    pytest.param(NAMES, ["1", "0"], {}, id="digits in another order"),
    pytest.param(NAMES, ["x0"], {}, id="one is missing"),
    pytest.param(NAMES, ["x0", "x1", "x2"], {}, id="one too many"),
    pytest.param(NAMES, ["x0", "x0", "x1"], {}, id="one twice"),
    pytest.param(NAMES, ["x0", "1"], {}, id="of both kinds"),
    pytest.param(NAMES, ["age", "fare"], {}, id="the names"),
    pytest.param(["x0", "x1"], ["0", "1"], {"0": "x0", "1": "x1"}, id="no names at all"),
    pytest.param(["x1", "age"], ["x0", "x1"], {}, id="a letter that is a name"),
    pytest.param(["1", "age"], ["0", "1"], {}, id="a digit that is a name"),
]
