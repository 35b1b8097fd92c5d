# syntax=docker/dockerfile:1
# A worker host: `animato worker`, with the engine's Python and the default checkpoint.
#
#   docker build --file deploy/docker/worker.Dockerfile --tag animato-worker .
#
# Without a GPU, with the much smaller packages for the processor:
#
#   docker build --file deploy/docker/worker.Dockerfile --tag animato-worker:cpu \
#       --build-arg BASE_IMAGE=ubuntu:24.04 --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cpu .
#
# The packages of PyTorch bring the libraries of CUDA that they were built with; the base brings the CUDA runtime and what
# the NVIDIA container toolkit looks for. Bases are pinned by tag; for builds that can be repeated give the digest as well:
# --build-arg BASE_IMAGE=nvidia/cuda:13.0.1-base-ubuntu24.04@sha256:… (docker buildx imagetools inspect NAME says it).
ARG SWIFT_IMAGE=swift:6.3-noble
ARG BASE_IMAGE=nvidia/cuda:13.0.1-base-ubuntu24.04

# hadolint ignore=DL3006
FROM ${SWIFT_IMAGE} AS build
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
# Headers: SQLite for GRDB; curl and XML for Foundation where it is linked into the program.
# Their versions are those of the base, which the tag or the digest above pins.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libcurl4-openssl-dev libsqlite3-dev libxml2-dev pkg-config \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY Package.swift ./
COPY Sources Sources
COPY Tests Tests
# Swift's own libraries go into the program, so that the image that runs it needs none of them.
RUN --mount=type=cache,target=/src/.build,sharing=locked \
    swift build --configuration release --product animato --static-swift-stdlib \
    && install -D --mode=0755 "$(swift build --configuration release --show-bin-path)/animato" /out/animato \
    && strip --strip-debug /out/animato

# hadolint ignore=DL3006
FROM ${BASE_IMAGE} AS engine
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates python3 python3-venv \
    && rm -rf /var/lib/apt/lists/*
# An index beside PyPI, for the packages of PyTorch that are for the processor alone.
ARG TORCH_INDEX=""
WORKDIR /src
COPY engine engine
# The exact versions of engine/pyproject.toml: they shape the pixels.
RUN --mount=type=cache,target=/root/.cache/pip,sharing=locked \
    python3 -m venv /opt/animato/venv \
    && /opt/animato/venv/bin/pip install --disable-pip-version-check ${TORCH_INDEX:+--extra-index-url "${TORCH_INDEX}"} ./engine
COPY models/easyanimate-tiny models/easyanimate-tiny
RUN for task in text:easyanimate-tiny inpaint:easyanimate-tiny-InP control:easyanimate-tiny-Control; do \
        OMP_NUM_THREADS=1 /opt/animato/venv/bin/python models/easyanimate-tiny/build.py \
            "/opt/animato/models/${task#*:}" --task "${task%%:*}" || exit 1; \
    done

# hadolint ignore=DL3006
FROM ${BASE_IMAGE}
ARG VERSION=dev
LABEL org.opencontainers.image.title="Animato worker" \
    org.opencontainers.image.description="Worker host that makes videos with EasyAnimate" \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.licenses="Apache-2.0"
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates curl libsqlite3-0 libxml2 python3 tzdata \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 animato \
    && useradd --uid 10001 --gid animato --no-create-home --home-dir /var/lib/animato --shell /usr/sbin/nologin animato \
    && install -d -o animato -g animato -m 0750 /var/lib/animato /srv/animato /var/cache/huggingface
COPY --from=engine /opt/animato /opt/animato
COPY --from=build /out/animato /usr/local/bin/animato
COPY LICENSE /usr/share/doc/animato/LICENSE
# Nothing is written but the volumes and /tmp: the root may be read-only.
ENV ANIMATO_DATA_DIRECTORY=/var/lib/animato \
    ANIMATO_STORAGE_DIRECTORY=/srv/animato \
    ANIMATO_METRICS_HOST=0.0.0.0 \
    ANIMATO_METRICS_PORT=9464 \
    ANIMATO_LOG_FORMAT=json \
    ANIMATO_ENGINE_PYTHON=/opt/animato/venv/bin/python \
    ANIMATO_ENGINE_MODELS=/opt/animato/models/easyanimate-tiny,/opt/animato/models/easyanimate-tiny-InP,/opt/animato/models/easyanimate-tiny-Control \
    HF_HOME=/var/cache/huggingface \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility
USER 10001:10001
WORKDIR /var/lib/animato
VOLUME ["/var/lib/animato", "/srv/animato", "/var/cache/huggingface"]
EXPOSE 9464
STOPSIGNAL SIGTERM
# Alive is enough: /readyz says 503 while a model is loaded, and that must not have anything restarted.
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
    CMD ["curl", "--fail", "--silent", "--show-error", "--max-time", "2", "--output", "/dev/null", "http://127.0.0.1:9464/healthz"]
ENTRYPOINT ["animato"]
CMD ["worker"]
