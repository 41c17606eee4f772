# duplexd in a container: docker run --read-only --cap-drop=ALL -v /etc/duplexd:/etc/duplexd:ro duplexd
# Nothing needs to be writable. Secrets: ${file:/run/secrets/NAME} or ${env:NAME} in the configuration.
#
# Two images: the default one has nothing to run but duplexd, no shell and no package manager. Outputs and steps that run programs
# (`exec`) need some: docker build --target slim -t duplexd:slim . makes a Debian with duplexd.
ARG BASE=debian:bookworm-slim

FROM ${BASE} AS build
WORKDIR /src
# The packages first: they change less often than the sources.
COPY scripts/packages scripts/install scripts/
RUN scripts/install build
COPY . .
RUN scripts/build release && DESTDIR=/out cmake --install build/release --prefix /usr

FROM ${BASE} AS runtime
RUN --mount=type=bind,source=scripts/packages,target=/tmp/packages \
    apt-get -qq update && \
    DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends $(/tmp/packages runtime) && \
    rm -rf /var/lib/apt/lists/* /var/cache/apt /var/log/apt /var/log/dpkg.log
COPY --from=build /out/usr/bin/duplexd /usr/bin/duplexd

FROM runtime AS files
RUN --mount=type=bind,source=scripts/image_root,target=/tmp/image_root /tmp/image_root /usr/bin/duplexd /image

FROM runtime AS slim
# The control socket, in a tmpfs of its own, read-only root or not: `duplexd health`, `status` and the others find it there.
ENV RUNTIME_DIRECTORY=/dev/shm DUPLEXD_SOCKET=/dev/shm/control.sock
USER 10001:10001
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=10s --retries=2 CMD ["/usr/bin/duplexd", "health"]
ENTRYPOINT ["/usr/bin/duplexd"]
CMD ["run", "-c", "/etc/duplexd/duplexd.yaml"]

FROM scratch
COPY --from=files /image /
# As above: a Dockerfile cannot say it once.
ENV PATH=/usr/bin RUNTIME_DIRECTORY=/dev/shm DUPLEXD_SOCKET=/dev/shm/control.sock
USER 10001:10001
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=10s --retries=2 CMD ["/usr/bin/duplexd", "health"]
ENTRYPOINT ["/usr/bin/duplexd"]
CMD ["run", "-c", "/etc/duplexd/duplexd.yaml"]
