# Made by infer 1.2.3. Plain `docker build -t NAME:TAG .` in this folder makes the image.
#
# Instructions whose inputs seldom change come first: the engine reuses all layers above the first change.

# The base image provides Python 3.11; the image uses nothing else of the base.
FROM python:3.11-slim

# PYTHONPATH names the service, the code that the model needs, and the packages; LD_LIBRARY_PATH names the
# OpenMP library of the packages.
# The service writes no file of the image: the root file system of the container may be read-only. No program
# here runs what lies in HOME, where the service may write.
# EGRESS: the service connects to nothing; with the value 1 it may.
ENV PYTHONPATH=/opt/infer:/opt/infer/code:/opt/infer/packages \
    LD_LIBRARY_PATH=/opt/infer/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PYTHONNOUSERSITE=1 \
    HOME=/tmp \
    EGRESS=0 \
    PORT=5000
EXPOSE 5000

# Each folder of this context is copied over the root of the image: service/opt/infer/… becomes /opt/infer/….
# So every folder keeps its fixed time, and the same input gives the same layers.

# The packages of requirements.lock, fetched and checked against their hashes before the build:
# the build itself needs no network, no pip and no compiler. ADD unpacks the archive.
ADD packages.tar /
WORKDIR /opt/infer

# Compile to bytecode now, because the running container cannot write, and remove installers such as pip.
# The folder finish/ also holds sbom.cdx.json, the software bill of materials (SBOM) of the image.
COPY finish/ /
RUN ["python3", "finish_image.py", "packages"]

# The service, and the code that the model needs, change more often than packages.
COPY service/ /
COPY code/ /
RUN ["python3", "finish_image.py", "service", "code"]

# A baked model changes most often. Without one, model/ is empty, and a model folder is mounted at /data.
COPY model/ /
# A model may name classes of known packages, and the modules and full names in TRUST.
ENV MODEL_FILE="/data/model.pkl" \
    TRUST=""

# The image works with any numeric user id; this user owns no file.
USER 10001:10001
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["python3", "-m", "service.health"]
CMD ["python3", "-m", "service"]

LABEL infer.lock.digest="sha256:fa3be6bdf5e2be86f1fcf9f4eb9658c63aef84e1a5f734104773ac38bed3293d" \
      infer.requirements="numpy==2.3.4 scikit-learn==1.7.2" \
      infer.service="1.2.3" \
      org.opencontainers.image.base.name="python:3.11-slim" \
      org.opencontainers.image.description="A prediction service made by infer" \
      org.opencontainers.image.title="iris" \
      org.opencontainers.image.version="v1"
