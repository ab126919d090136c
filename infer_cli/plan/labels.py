"""The labels of images and containers; those of `org.opencontainers` are the OCI image specification's."""

from __future__ import annotations

# On images and containers: the version of infer whose service it is. What has it belongs to us.
SERVICE = "infer.service"
LOCK_DIGEST = "infer.lock.digest"
REQUIREMENTS = "infer.requirements"
MODEL_DIGEST = "infer.model.digest"
# What models may name besides the allow-list: modules and full names. Left out if there are none.
TRUST = "infer.trust"
# On containers and volumes: the model file, and the folder that it came from.
MODEL_FILE = "infer.model.file"
MODEL_FOLDER = "infer.model.folder"
# On containers: one that is gone when its command ends, and no service of the user's.
TEMPORARY = "infer.temporary"
# On volumes: the service that they belong to.
VOLUME_OF = "infer.volume.of"
# On base images that infer made: their Python, as X.Y.
BASE_PYTHON = "infer.base.python"

TITLE = "org.opencontainers.image.title"
VERSION = "org.opencontainers.image.version"
DESCRIPTION = "org.opencontainers.image.description"
BASE_NAME = "org.opencontainers.image.base.name"
