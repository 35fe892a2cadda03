# Perdure's worker (and its whole command line). Agents' own CLIs are not in it: add them in an image FROM this one.
FROM python:3.12-slim

# git: workspaces with history. tini comes from `init: true` or `docker run --init`.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends git \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /opt/perdure
COPY locks/runtime.txt locks/runtime.txt
RUN pip install --no-cache-dir --require-hashes --requirement locks/runtime.txt
COPY pyproject.toml README.md LICENSE ./
COPY definitions definitions
COPY workflows workflows
COPY activities activities
COPY worker worker
COPY client client
RUN pip install --no-cache-dir --no-deps . \
    && useradd --uid 10001 --create-home perdure

USER perdure
WORKDIR /home/perdure
ENTRYPOINT ["perdure"]
CMD ["worker"]
