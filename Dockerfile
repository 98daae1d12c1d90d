# One image for every part; the command picks it: api, delivery, worker, outbox, scheduler, intake, submission, sandbox, migrate, init.
# The base needs Python 3.11 or newer with its venv module, the same in both stages.
ARG BASE_IMAGE=python:3.11-slim-bookworm

FROM ${BASE_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy \
    UV_NO_CACHE=1 \
    UV_PYTHON_DOWNLOADS=never
RUN python3 -m venv /opt/build \
    && /opt/build/bin/pip install --no-cache-dir uv==0.13.9 \
    && python3 -m venv --without-pip /opt/trireme
WORKDIR /src
COPY locks/image.lock locks/run.lock locks/
RUN /opt/build/bin/uv pip install --python /opt/trireme/bin/python3 --require-hashes -r locks/image.lock
COPY pyproject.toml README.md LICENSE ./
COPY app app
COPY workers workers
COPY migrations migrations
# The wheel is built with the hashed tools of the other lock, and brings the migrations along.
RUN /opt/build/bin/uv build --wheel --require-hashes --build-constraints locks/run.lock --out-dir dist \
    && /opt/build/bin/uv pip install --python /opt/trireme/bin/python3 --no-deps dist/*.whl

FROM ${BASE_IMAGE}
# The account is named by number below, so that an orchestrator can see that it is not root.
RUN groupadd --gid 10001 trireme \
    && useradd --uid 10001 --gid 10001 --no-log-init --home-dir /var/lib/trireme --shell /usr/sbin/nologin trireme \
    && install -d -o 10001 -g 10001 -m 0700 /var/lib/trireme
COPY --from=build /opt/trireme /opt/trireme
ENV PATH=/opt/trireme/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    TRIREME_API_HOST=0.0.0.0 \
    TRIREME_DATA_DIR=/var/lib/trireme
USER 10001:10001
WORKDIR /var/lib/trireme
EXPOSE 8080 19000 2525
STOPSIGNAL SIGTERM
# For the part `api`; whoever runs another part of the image turns it off.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["trireme", "health"]
ENTRYPOINT ["trireme"]
CMD ["--help"]
