# The service as an image, for CPUs or for NVIDIA GPUs (driver R580 or newer), from one file:
#
#     docker build -t augmint:0.4.0 .
#     docker build -t augmint:0.4.0-cuda --build-arg DEVICE=cuda .
#     docker build -t augmint:0.4.0-training --target training .
#     docker run --read-only -v "$PWD/demo/models:/models:ro" -p 127.0.0.1:50051:50051 -e AUGMINT_INSECURE=true augmint:0.4.0
#
# AUGMINT_INSECURE, because this line alone has neither TLS nor tokens and is published to this machine only; to others
# with --tls-certificate or --tokens instead (docs/access.md).
#
# `make image` builds it and checks it as it is meant to run: not root, nothing writable but /tmp, no capability.
# BASE may be any image with glibc 2.28 or newer and Python 3.11 or newer as `python`, with its venv and pip; pin it by
# digest for builds to be repeatable.
ARG BASE=docker.io/library/python:3.11-slim

# -- build: only what this stage leaves in /opt/augmint and /app goes on ------------------------------------
FROM ${BASE} AS build
# cpu or cuda; also the AUGMINT_DEVICE of the image.
ARG DEVICE=cpu
WORKDIR /build
COPY pyproject.toml README.md constraints.txt ./
COPY client client
# Wheels only, so that no compiler is needed. One runtime for both kinds of device: onnxruntime-gpu without its CUDA
# libraries is what it is on a machine without GPU, and the file that holds the CUDA kernels is most of its size.
RUN --mount=type=cache,target=/root/.cache/pip \
    case "${DEVICE}" in \
        cpu) extras=service,otel ;; \
        cuda) extras=service,otel,cuda ;; \
        *) echo "DEVICE is '${DEVICE}'; wanted cpu or cuda" >&2; exit 1 ;; \
    esac \
    && python -m venv --without-pip /opt/augmint \
    && python -m pip --python /opt/augmint install --disable-pip-version-check \
        --only-binary=:all: -c constraints.txt "./client[browse]" ".[${extras}]" \
    && if [ "${DEVICE}" = cpu ]; then \
        rm /opt/augmint/lib/python3*/site-packages/onnxruntime/capi/libonnxruntime_providers_cuda.so; \
    fi
WORKDIR /app
COPY service service
# The image is read-only when it runs: compiled now or at every start. Unchecked: no layer need keep the times of files.
RUN python -m compileall -q --invalidation-mode unchecked-hash service

# -- what trains, for the jobs of the chart: `--target training` ---------------------------------------------
FROM build AS build-training
# What pip finds as torch 2.13.0. From PyPI that is the build for CUDA, which also runs without a GPU and is most of the
# image; for CPUs alone take PyTorch's own: --build-arg PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu
ARG PIP_EXTRA_INDEX_URL=
WORKDIR /build
RUN --mount=type=cache,target=/root/.cache/pip \
    python -m pip --python /opt/augmint install --disable-pip-version-check \
        --only-binary=:all: -c constraints.txt "./client[images]" ".[training]"
WORKDIR /app
COPY training training
RUN python -m compileall -q --invalidation-mode unchecked-hash training

FROM ${BASE} AS training
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="augmint training" \
      org.opencontainers.image.description="Trains class-conditional generators and publishes them" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
ENV PATH=/opt/augmint/bin:${PATH} \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONPATH=/app \
    HOME=/tmp \
    ORT_DISABLE_TELEMETRY=1 \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility
COPY --from=build-training /opt/augmint /opt/augmint
COPY --from=build-training /app /app
# A run keeps its checkpoints beside where it works.
WORKDIR /runs
USER 10001:10001
ENTRYPOINT ["python", "-m", "training"]

# -- the image ---------------------------------------------------------------------------------------------
FROM ${BASE} AS service
ARG DEVICE=cpu
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="augmint" \
      org.opencontainers.image.description="Labelled synthetic training samples over gRPC" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# NVIDIA_VISIBLE_DEVICES stays unset: it would give every container of the image all GPUs of a node, asked for or not.
ENV PATH=/opt/augmint/bin:${PATH} \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp \
    ORT_DISABLE_TELEMETRY=1 \
    CUDA_CACHE_PATH=/tmp/cuda \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility \
    AUGMINT_DEVICE=${DEVICE} \
    AUGMINT_HOST=0.0.0.0 \
    AUGMINT_MODELS=/models
COPY --from=build /opt/augmint /opt/augmint
# Generators are mounted here, or copied in by an image that is made `FROM` this one; it is no VOLUME, which would
# discard what such an image copies.
WORKDIR /models
WORKDIR /app
COPY --from=build /app ./
# A number, so that Kubernetes can see that it is not root.
USER 10001:10001
EXPOSE 50051 9464
# No HEALTHCHECK: Kubernetes ignores it and asks grpc.health.v1 itself ("" for readiness, "liveness" for liveness).
# Exec form: the service is process 1 and receives SIGTERM, on which it finishes what it has accepted.
ENTRYPOINT ["python", "-m", "service"]
