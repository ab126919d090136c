"""The viewer of `/openapi.json` at `/docs`: Swagger UI, as the package flask-swagger-ui brings it.

Only two files of that package are used, and an image has no others; none of its code runs.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

FILES = ("swagger-ui-bundle.js", "swagger-ui.css")
PACKAGE = "flask_swagger_ui"
# As the policy of the page, but for the icons, which Swagger UI has as data: in its style sheet.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'"
)


def viewer_folder() -> Path | None:
    """Give the folder of the two files; None where the package is not installed."""
    spec = find_spec(PACKAGE)
    return None if spec is None or spec.origin is None else Path(spec.origin).parent / "dist"
