# Build: the locked packages in a virtual environment, the project beside it.
FROM docker.io/library/python:3.13-slim AS build
WORKDIR /app
RUN python -m venv --without-pip /venv
COPY requirements.txt .
# Nothing but the files whose hashes are locked, and wheels alone: no package's own code runs here.
RUN pip --python /venv/bin/python install --no-cache-dir --require-hashes --only-binary=:all: -r requirements.txt
COPY . .
# Readable whatever the umask of the clone was. Bytecode now: the container cannot write it later.
RUN chmod -R u=rwX,go=rX . && python -m compileall -q .

FROM docker.io/library/python:3.13-slim
# The base image strips the bytecode of the standard library; with it a start and a health check take half as long.
# A new named volume takes over owner and mode of /data. The user is a number, so an orchestrator sees that it is not root.
RUN python -m compileall -q "$(python -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')" \
    && install -d -o 10001 -g 10001 -m 0700 /data
COPY --from=build /venv /venv
COPY --from=build /app /app
# SQLITE_TMPDIR: what SQLite cannot sort in memory goes to the disk, not to the small tmpfs.
ENV PATH=/venv/bin:$PATH \
    HOST=0.0.0.0 \
    PORT=8000 \
    DATA_DIR=/data \
    SQLITE_TMPDIR=/data
WORKDIR /app
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s \
    CMD ["python", "-IS", "-c", "import os, urllib.request as web; web.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/readyz', timeout=4)"]
CMD ["python", "manage.py", "serve"]
