"""The labels of images, containers and volumes; the OCI image specification has `org.opencontainers.*`."""

from __future__ import annotations

# On images and containers: the version of infer that made them. Other images and containers lack the label.
SERVICE = "infer.service"
LOCK_DIGEST = "infer.lock.digest"
REQUIREMENTS = "infer.requirements"
MODEL_DIGEST = "infer.model.digest"
# On images and containers: the modules and full names that a model may name besides the allow-list; absent if
# there are none.
TRUST = "infer.trust"
# On images: the digest of the declared schema inside, and the member of the model file that it chooses;
# absent if there is none.
SCHEMA_DIGEST = "infer.schema.digest"
MEMBER = "infer.schema.member"
# On images: a digest of all that decides what is inside, known before packages are chosen. The model counts
# only if it is inside.
INPUTS_DIGEST = "infer.inputs.digest"
# On containers that `infer up` started: a digest of the model and of all that was asked for.
FINGERPRINT = "infer.fingerprint"
# On images and containers: the name of the model file.
MODEL_FILE = "infer.model.file"
# On containers: a digest of the path that the model came from, by which `infer up` knows its service again.
# The path itself is nothing to tell to others who use the engine.
MODEL_ORIGIN = "infer.model.origin"
# On containers whose service asks for tokens that infer made, or has a certificate that the user gave: which
# folder of this user holds them.
ACCESS = "infer.access"
# On containers that a command of infer creates for itself and removes: they are no services of the user.
TEMPORARY = "infer.temporary"
# On containers: a random word of the request that created them, by which infer finds a container whose id was
# in an answer that never came.
CREATION = "infer.creation"
# On volumes: the name of the service that the volume belongs to.
VOLUME_OF = "infer.volume.of"
# On base images that infer made: their Python version, as X.Y.
BASE_PYTHON = "infer.base.python"

TITLE = "org.opencontainers.image.title"
VERSION = "org.opencontainers.image.version"
DESCRIPTION = "org.opencontainers.image.description"
BASE_NAME = "org.opencontainers.image.base.name"
