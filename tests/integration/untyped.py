"""Names for objects without types, so that `Any` stands once for each kind and says why."""

from typing import Any

# A fitted estimator or pipeline: scikit-learn ships no types.
Estimator = Any
# A pandas table: pandas is used without its types.
Frame = Any
# JSON that a service or a program inside an image answered; each test reads the keys that it expects.
Json = Any
