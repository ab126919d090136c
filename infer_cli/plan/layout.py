"""Where things lie in an image and in a container: paths and the port."""

from __future__ import annotations

from pathlib import PurePosixPath

CONTAINER_PORT = 5000


MOUNT_FOLDER = PurePosixPath("/data")


HOME_FOLDER = PurePosixPath("/opt/infer")


CODE_FOLDER = HOME_FOLDER / "code"


BAKED_FOLDER = HOME_FOLDER / "model"
