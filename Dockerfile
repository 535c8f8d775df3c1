# The program with its pages in an image of about 130 MB. `docker build -t apricot .`; config/compose.yaml runs several of it.

FROM node:22-bookworm-slim AS pages
WORKDIR /src/web
COPY web/package.json web/package-lock.json ./
COPY web/openapi/package.json openapi/
RUN npm ci --no-audit --no-fund
COPY proto/ /src/proto/
COPY docs/openapi.json /src/docs/
COPY web/ ./
RUN npm run build

FROM rust:1.95-bookworm AS program
WORKDIR /src
COPY . .
COPY --from=pages /src/web/dist web/dist
# What was compiled before stays on the builder between two builds, so the binary is copied out.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked --bin apricot && cp target/release/apricot /usr/local/bin/apricot

FROM debian:bookworm-slim
# Authorities, for PostgreSQL and Redis with TLS.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin apricot \
    # A named volume takes over owner and mode of the folder that it covers.
    && install --directory --owner 10001 --mode 700 /var/lib/apricot /etc/apricot/keys
COPY --from=program /usr/local/bin/apricot /usr/local/bin/apricot
USER 10001
# Reachable from outside of the container. Everything else is as config/default.toml says, or APRICOT_… variables.
ENV APRICOT_LISTEN=0.0.0.0:8080 \
    APRICOT_DATA=/var/lib/apricot \
    APRICOT_NODE__KEYS=/etc/apricot/keys \
    APRICOT_LOG__FORMAT=json
EXPOSE 8080
VOLUME ["/var/lib/apricot", "/etc/apricot/keys"]
# Of a node. It is also not ready while PostgreSQL is away: for balancers and for start-up order, not a reason to kill it.
HEALTHCHECK --interval=5s --timeout=4s --start-period=10s --retries=3 CMD ["apricot", "ready"]
# SIGTERM drains; give it more than drain_seconds (docker stop --time 30).
STOPSIGNAL SIGTERM
ENTRYPOINT ["apricot"]
CMD ["serve"]
