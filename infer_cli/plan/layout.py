"""The fixed paths and the port of an image and its containers; `Dockerfile.template` has the same."""

from __future__ import annotations

from pathlib import PurePosixPath

CONTAINER_PORT = 5000
# The model folder is mounted here.
MOUNT_FOLDER = PurePosixPath("/data")
# What decides who may ask the service is mounted here.
ACCESS_FOLDER = PurePosixPath("/run/infer")
# The service and its packages.
HOME_FOLDER = PurePosixPath("/opt/infer")
# The user's own modules.
CODE_FOLDER = HOME_FOLDER / "code"
# Starts the service where a platform asks an image to `serve`.
SERVE_PROGRAM = PurePosixPath("/usr/local/bin/serve")
# A baked model.
BAKED_FOLDER = HOME_FOLDER / "model"
# The declared schema of the model: what the user says of it because the model does not.
SCHEMA_FILE = HOME_FOLDER / "schema.json"
