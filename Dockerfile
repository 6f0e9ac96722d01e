FROM python:3.12.12-slim-trixie AS packages
COPY requirements.lock .
RUN python -m venv /opt/venv && /opt/venv/bin/pip install --no-cache-dir --require-hashes -r requirements.lock

FROM python:3.12.12-slim-trixie AS compiled
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY collab_server/ collab_server/
RUN python -m collab_server._speedups.build && test -e collab_server/_speedups/compiled.abi3.so

FROM python:3.12.12-slim-trixie
RUN useradd --system --uid 10001 --user-group --home-dir /data --shell /usr/sbin/nologin collab \
 && install --directory --owner=collab --group=collab --mode=0700 /data
COPY --from=packages /opt/venv /opt/venv
WORKDIR /app
COPY migrations/ migrations/
COPY static/ static/
COPY collab_server/ collab_server/
COPY --from=compiled /app/collab_server/_speedups/compiled.abi3.so collab_server/_speedups/
# The account of the server cannot write here: each of its processes would compile the modules again.
RUN python -m compileall -q collab_server
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    COLLAB_HOST=0.0.0.0 \
    COLLAB_PORT=8000 \
    COLLAB_DATA_DIR=/data \
    TMPDIR=/data
# Uploads that are not whole yet lie in TMPDIR: on the volume, as /tmp may be memory.
USER 10001:10001
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
  CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen('http://127.0.0.1:%s/health/live' % os.environ['COLLAB_PORT'], timeout=2)"]
ENTRYPOINT ["python", "-m", "collab_server"]
CMD ["serve"]
