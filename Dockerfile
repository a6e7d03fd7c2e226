# The local Kinesis as an image: `docker build -t streamgauge . && docker run --rm -p 127.0.0.1:4567:4567 streamgauge`.
# Any other command works as well: `docker run --rm streamgauge simulate scenarios/first-run.toml --out /tmp`.
FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
RUN cargo build --profile dist --locked --bin streamgauge

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /home/streamgauge --create-home streamgauge
COPY --from=build /src/target/dist/streamgauge /usr/local/bin/streamgauge
COPY scenarios /home/streamgauge/scenarios
WORKDIR /home/streamgauge
USER 10001
EXPOSE 4567
# By bash itself: the image has no HTTP client, and needs none.
HEALTHCHECK --interval=5s --timeout=3s --start-period=2s CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/4567 && printf 'GET /health HTTP/1.0\\r\\n\\r\\n' >&3 && head -n 1 <&3 | grep -q ' 200'"]
ENTRYPOINT ["streamgauge"]
# Within its own network namespace; what of it others reach is said by `docker run -p`.
CMD ["serve", "--listen", "0.0.0.0:4567", "--allow-remote"]
