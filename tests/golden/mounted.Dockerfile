# Made by infer 1.2.3. Plain `docker build -t NAME:TAG .` in this folder makes the image.
#
# What changes seldom comes first: the engine reuses the layers above the first line that changed.

# A base image with Python 3.11; nothing else of it is used.
FROM python:3.11-slim

# Python finds the packages and the service here, and the packages find the library of OpenMP;
# /data is where a model folder is mounted.
# Nothing is written at run time: a read-only root file system is enough.
ENV PYTHONPATH=/opt/infer:/opt/infer/code:/opt/infer/packages \
    LD_LIBRARY_PATH=/opt/infer/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/tmp \
    PORT=5000
EXPOSE 5000

# The folders of this context are laid over the image's root: service/opt/infer/… becomes /opt/infer/….
# So every folder of the image keeps its fixed time, and the same input gives the same layers.

# The packages of requirements.lock, fetched and checked against their hashes before the build:
# the build itself needs no network, no pip and no compiler. ADD unpacks the archive.
ADD packages.tar /
WORKDIR /opt/infer

# Compile to bytecode once, here, because the running container may not write; remove what only installs.
# The list of what is inside comes along, as sbom.cdx.json.
COPY finish/ /
RUN ["python3", "finish_image.py", "packages"]

# The service, and own code that the model needs, change more often than packages …
COPY service/ /
COPY code/ /
RUN ["python3", "finish_image.py", "service", "code"]

# … and a model baked in changes most often. Without one, its folder is empty and the model is mounted.
COPY model/ /
# A model may use the parts of known packages, and what is in TRUST besides.
ENV MODEL_FILE="/data/model.pkl" \
    TRUST=""

# Any numeric user will do; this one owns nothing.
USER 10001:10001
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["python3", "-m", "service.health"]
CMD ["python3", "-m", "service"]

LABEL infer.lock.digest="sha256:fa3be6bdf5e2be86f1fcf9f4eb9658c63aef84e1a5f734104773ac38bed3293d" \
      infer.model.digest="sha256:abababababababababababababababababababababababababababababababab" \
      infer.model.file="model.pkl" \
      infer.requirements="numpy==2.3.4 scikit-learn==1.7.2" \
      infer.service="1.2.3" \
      org.opencontainers.image.base.name="python:3.11-slim" \
      org.opencontainers.image.description="A prediction service made by infer" \
      org.opencontainers.image.title="iris" \
      org.opencontainers.image.version="v1"
