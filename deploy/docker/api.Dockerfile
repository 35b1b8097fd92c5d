# syntax=docker/dockerfile:1
# The API: `animato serve --role api`. Without Python and without models.
#
#   docker build --file deploy/docker/api.Dockerfile --tag animato-api .
#
# Bases are pinned by tag, and a tag may be moved by whoever publishes it. For builds that can be repeated, give the digest
# as well: --build-arg SWIFT_IMAGE=swift:6.3-noble@sha256:… (docker buildx imagetools inspect NAME says it).
ARG SWIFT_IMAGE=swift:6.3-noble
ARG BASE_IMAGE=ubuntu:24.04

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
FROM ${BASE_IMAGE}
ARG VERSION=dev
LABEL org.opencontainers.image.title="Animato API" \
    org.opencontainers.image.description="API server for videos of EasyAnimate" \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.licenses="Apache-2.0"
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates curl libsqlite3-0 libxml2 tzdata \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 animato \
    && useradd --uid 10001 --gid animato --no-create-home --home-dir /var/lib/animato --shell /usr/sbin/nologin animato \
    && install -d -o animato -g animato -m 0750 /var/lib/animato /srv/animato
COPY --from=build /out/animato /usr/local/bin/animato
COPY LICENSE /usr/share/doc/animato/LICENSE
# Nothing is written but the two volumes and /tmp: the root may be read-only.
ENV ANIMATO_DATA_DIRECTORY=/var/lib/animato \
    ANIMATO_STORAGE_DIRECTORY=/srv/animato \
    ANIMATO_HTTP_HOST=0.0.0.0 \
    ANIMATO_METRICS_HOST=0.0.0.0 \
    ANIMATO_METRICS_PORT=9464 \
    ANIMATO_LOG_FORMAT=json
USER 10001:10001
WORKDIR /var/lib/animato
VOLUME ["/var/lib/animato", "/srv/animato"]
EXPOSE 5000 9464
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["curl", "--fail", "--silent", "--show-error", "--max-time", "2", "--output", "/dev/null", "http://127.0.0.1:9464/healthz"]
ENTRYPOINT ["animato"]
CMD ["serve", "--role", "api"]
