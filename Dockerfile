# The service and the command line in one image: docker build -t perplexity-detector .

# Torch for the CPU; --build-arg TORCH_INDEX=https://pypi.org/simple takes the build for CUDA.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu

# Only the requirements, so that other changes to pyproject.toml do not reinstall torch
FROM python:3.11-slim AS requirements
WORKDIR /requirements
COPY pyproject.toml constraints.txt ./
RUN python -c "import tomllib; \
        project = tomllib.load(open('pyproject.toml', 'rb'))['project']; \
        extras = project['optional-dependencies']; \
        wanted = [project['dependencies'], *map(extras.get, ('documents', 'service', 'tracking'))]; \
        print(*sum(wanted, []), sep='\n')" > requirements.txt
# xgboost brings NCCL, and kernels for CUDA that trees of this size have no use for
RUN sed -i 's/^xgboost\b/xgboost-cpu/' requirements.txt constraints.txt

# An environment without a pip of its own, so that none is left in the image.
FROM python:3.11-slim AS environment
RUN python -m venv --without-pip /opt/venv
ENV PIP_PYTHON=/opt/venv/bin/python \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1

FROM environment AS dependencies
ARG TORCH_INDEX
COPY --from=requirements /requirements/requirements.txt /requirements/constraints.txt /requirements/
# removed is what only the packages' authors need
RUN PIP_EXTRA_INDEX_URL=$TORCH_INDEX pip install \
        --requirement /requirements/requirements.txt --constraint /requirements/constraints.txt \
    && cd /opt/venv/lib/python3.11/site-packages \
    && find . -type d -name tests -prune -exec rm -r {} + \
    && rm -rf torch/bin/protoc* torch/bin/test_* torch/include torch/test pyarrow/include

# The language model, from PyPI, its hash checked; only a change of lm/ brings it anew.
FROM dependencies AS language-model
WORKDIR /source
COPY perplexity_detector/__init__.py perplexity_detector/errors.py perplexity_detector/version.py \
    perplexity_detector/
COPY perplexity_detector/io/__init__.py perplexity_detector/io/atomic.py \
    perplexity_detector/io/hub_errors.py perplexity_detector/io/
COPY perplexity_detector/lm perplexity_detector/lm
RUN PYTHONPATH=/opt/venv/lib/python3.11/site-packages python -m perplexity_detector.lm.pull

FROM environment AS wheel
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY perplexity_detector perplexity_detector
COPY --from=language-model /source/perplexity_detector/pretrained perplexity_detector/pretrained
# --root: into a folder that holds the package alone, which makes it a layer of its own
RUN pip wheel --no-deps --wheel-dir=/dist . \
    && pip install --no-deps --root=/package /dist/*.whl

FROM python:3.11-slim
# whoever is named by --user may write here: training renames finished folders into /app
RUN useradd --uid 1000 --no-create-home --home-dir /tmp detector \
    && install --directory --owner=detector --mode=1777 /app /app/data
COPY --from=dependencies /opt/venv /opt/venv
# Triton comes with torch for CUDA, and compiles its kernels when they first run
RUN if [ -d /opt/venv/lib/python3.11/site-packages/triton ]; then \
        apt-get update && apt-get install --yes --no-install-recommends gcc libc6-dev \
        && rm -rf /var/lib/apt/lists/*; \
    fi
COPY --from=wheel /package/opt/venv /opt/venv
# models that are pulled stay in the volume, too
ENV PATH=/opt/venv/bin:$PATH \
    HOME=/tmp \
    USER=detector \
    PYTHONUNBUFFERED=1 \
    PERPLEXITY_DETECTOR_HOME=/app/data/language_models \
    HF_HOME=/app/data/language_models/hub
USER 1000
WORKDIR /app
VOLUME /app/data
EXPOSE 8000
# no proxy for this machine itself, so no urllib
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "from http.client import HTTPConnection as H; c = H('127.0.0.1', 8000, timeout=4); c.request('GET', '/readyz'); raise SystemExit(c.getresponse().status != 200)"]
LABEL org.opencontainers.image.title="perplexity-detector" \
      org.opencontainers.image.description="Estimates whether a text was written by a person or by a language model, and shows why." \
      org.opencontainers.image.licenses="Apache-2.0"
ENTRYPOINT ["perplexity-detector"]
CMD ["serve", "--host=0.0.0.0"]
