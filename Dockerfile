# One image for every command of tiergate: no compiler, no package installer, nobody is root, and nothing is written
# outside /tmp, so readOnlyRootFilesystem holds. `make image` builds it with whatever builder there is.

# Minor version and distribution are pinned, patch releases are not: a rebuild takes up their security fixes. Whoever
# needs the same bytes twice passes a digest: BASE=docker.io/library/python:3.13-slim-trixie@sha256:...
# The name is a full one because podman and buildah know no default registry.
ARG BASE=docker.io/library/python:3.13-slim-trixie

# hadolint ignore=DL3006
FROM ${BASE} AS build

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ONLY_BINARY=:all: PIP_ROOT_USER_ACTION=ignore \
    PYTHONDONTWRITEBYTECODE=1

WORKDIR /src
COPY requirements/server.txt requirements/server.txt
# The environment has no pip of its own: the one of the base image fills it. An index or a certificate authority of
# your own comes as two optional secrets, pip.conf and ca.crt, which leave nothing in the image or its history.
RUN --mount=type=secret,id=pip.conf,target=/etc/pip.conf --mount=type=secret,id=ca.crt \
    python3 -m venv --without-pip /opt/tiergate \
    && python3 -m pip --python /opt/tiergate/bin/python install --no-compile --require-hashes -r requirements/server.txt

COPY pyproject.toml README.md LICENSE ./
COPY webhook webhook
COPY certs certs
# The build backend is among the hashed requirements and goes again when the package is in. Bytecode is not bound to
# time stamps, which a layer may lose: on a read-only root a stale file would be compiled anew at every start. None is
# written before (see ENV), for compileall passes over what is there.
RUN python3 -m pip --python /opt/tiergate/bin/python install --no-compile --no-deps --no-build-isolation . \
    && python3 -m pip --python /opt/tiergate/bin/python uninstall --quiet --yes hatchling pathspec pluggy tomlkit trove-classifiers \
    && /opt/tiergate/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/tiergate/lib


# hadolint ignore=DL3006
FROM ${BASE}

LABEL org.opencontainers.image.title="tiergate" \
      org.opencontainers.image.description="Admission control for tiers of namespaces: defaults, limits and quotas at kubectl apply" \
      org.opencontainers.image.licenses="Apache-2.0"

# For the cache of podman and buildah: a layer in which they set the times of files to those of an earlier commit
# (--timestamp) would be the same to them.
ARG EPOCH

# The base image brings the standard library without bytecode; without it imports take several times as long. pip goes:
# nothing is installed at run time. The user is two lines, for useradd writes today's date.
RUN echo 'tiergate:x:65532:65532::/tmp:/usr/sbin/nologin' >> /etc/passwd \
    && echo 'tiergate:x:65532:' >> /etc/group \
    && PYTHONDONTWRITEBYTECODE=1 python3 -m pip uninstall --quiet --yes --root-user-action=ignore pip \
    && python3 -m compileall -q -j 0 -x '/(test|tests|idlelib|lib2to3|turtledemo)/' --invalidation-mode unchecked-hash \
       "$(python3 -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')"

COPY --from=build /opt/tiergate /opt/tiergate

ENV PATH=/opt/tiergate/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 HOME=/tmp
USER 65532:65532
WORKDIR /tmp
EXPOSE 9443 9445
ENTRYPOINT ["tiergate"]
