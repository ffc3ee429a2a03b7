# A scoring installation without `bentoml containerize`: the wheel and what it needs, in locked versions, run as nobody in particular.
#   docker build -t adverdict .
FROM python:3.11-slim AS build
WORKDIR /source
RUN pip install --no-cache-dir build "setuptools>=77"
COPY . .
RUN python -m build --wheel --no-isolation --outdir /dist .

# The registry, for deploy/compose.yaml: docker build --target mlflow.
FROM python:3.11-slim AS mlflow
RUN pip install --no-cache-dir "mlflow>=3.17,<4" && useradd --uid 10001 --create-home mlflow && mkdir /mlflow && chown mlflow /mlflow
ENV MLFLOW_DISABLE_TELEMETRY=true
USER 10001
VOLUME /mlflow
EXPOSE 5000
CMD ["mlflow", "server", "--host", "0.0.0.0", "--port", "5000", "--backend-store-uri", "sqlite:////mlflow/mlflow.db", "--artifacts-destination", "/mlflow/artifacts", "--serve-artifacts", "--allowed-hosts", "mlflow,mlflow:5000,localhost:5000,127.0.0.1:5000"]

FROM python:3.11-slim
# LightGBM's threads.
RUN apt-get update && apt-get install --no-install-recommends -y libgomp1 && rm -rf /var/lib/apt/lists/*
COPY deploy/requirements.txt /tmp/requirements.txt
RUN pip install --no-cache-dir -r /tmp/requirements.txt
COPY --from=build /dist/*.whl /tmp/
RUN pip install --no-cache-dir --no-deps /tmp/*.whl && rm /tmp/*.whl /tmp/requirements.txt \
    && useradd --uid 10001 --create-home adverdict && mkdir /var/lib/adverdict && chown adverdict /var/lib/adverdict
ENV PYTHONSAFEPATH=1 PYTHONUNBUFFERED=1 ADVERDICT_HOME=/var/lib/adverdict ADVERDICT_HOST=0.0.0.0 ADVERDICT_LOG_FORMAT=json \
    ADVERDICT_DRAIN_SECONDS=10
USER 10001
VOLUME /var/lib/adverdict
EXPOSE 8377
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8377/livez', timeout=2)"]
CMD ["adverdict", "serve"]
