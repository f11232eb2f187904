# Everything from a fresh clone, with nothing but Python 3.11, make and a package registry.
PYTHON ?= python3.11
BIN := .venv/bin
SMOLLM2 := perplexity_detector/pretrained/smollm2/config.json
# ruff and mypy look at everything that runs
CODE := model.py perplexity_detector benchmarks docs notebooks scripts tests
# On Linux without an NVIDIA card: the same trees without NCCL, which is NVIDIA's and has 469 MB
XGBOOST ?= $(if $(filter Linux,$(shell uname -s)),$(if $(wildcard /dev/nvidiactl),xgboost,xgboost-cpu),xgboost)

# The Python that Kaggle has, and `no` where its own torch is to be used alone
KAGGLE_PYTHON ?= $(PYTHON)
KAGGLE_TORCH ?= yes

# Of `make fuzz`, for each target
SECONDS ?= 600

.PHONY: demo test test-hostile fuzz test-distributed test-offline benchmark-speed lint bundle docs pull wheel kaggle lock clean

# $(1): extras. The requirements first, so that pip does not bring the other xgboost, whose files are the
# same and which an earlier make may have installed. pip compiles on one core, and fails on the same few files
# as compileall, which nobody imports
define install
	@$(BIN)/python -m pip uninstall --quiet --yes $(filter-out $(XGBOOST),xgboost xgboost-cpu) 2> /dev/null
	sed 's/^xgboost==/$(XGBOOST)==/' constraints.txt > .venv/constraints.txt
	$(BIN)/python scripts/requirements.py $(1) | sed 's/^xgboost>=/$(XGBOOST)>=/' > .venv/requirements.txt
	$(BIN)/python -m pip install --quiet --no-compile \
	    --constraint=.venv/constraints.txt --requirement=.venv/requirements.txt
	@$(BIN)/python -m compileall -qq -j 0 .venv/lib || true
	$(BIN)/python -m pip install --quiet --no-deps --editable .
endef

demo: .venv/installed $(SMOLLM2)  ## score the sample essays with the shipped detector
	@$(BIN)/python model.py predict --dataset=data/sample/essays.csv --detector=auto --show

test: export OMP_NUM_THREADS = 1  # a process per core: more threads would only get in each other's way
test: .venv/dev $(SMOLLM2) lint  ## the whole suite, with lint and types
	$(BIN)/pytest --numprocesses=logical --dist=worksteal

test-hostile: export HOSTILE = whole
test-hostile: export OMP_NUM_THREADS = 1
test-hostile: .venv/dev $(SMOLLM2)  ## odd texts, broken files and strangers, by the hundred thousand
	$(BIN)/pytest tests/hostile --numprocesses=logical --dist=worksteal

fuzz: export OMP_NUM_THREADS = 1
fuzz: .venv/fuzz $(SMOLLM2)  ## each of tests/fuzz for SECONDS (600); what is found is kept in .fuzz
	$(BIN)/python -m tests.fuzz canonicalise --seconds=$(SECONDS)
	$(BIN)/python -m tests.fuzz datasets --seconds=$(SECONDS)
	$(BIN)/python -m tests.fuzz artefacts --seconds=$(SECONDS)

test-distributed: .venv/distributed  ## a Ray cluster of real processes, some of which are killed
	$(BIN)/pytest -m distributed tests/distributed

test-offline: .venv/dev kaggle  ## installation without network: Kaggle's notebook, uv and pipx
	$(BIN)/pytest tests/integrations/test_kaggle.py tests/integrations/test_installers.py

benchmark-speed: .venv/benchmarks .peers/installed $(SMOLLM2)  ## speeds of docs/results/speed.md, with those of others' software; on an idle machine
	$(BIN)/python -m benchmarks.speed --peers_python=.peers/bin/python
	$(BIN)/python -m benchmarks.speed.classifiers
	$(BIN)/python -m benchmarks.speed.depth
	$(BIN)/python -m benchmarks.speed.resources
	$(BIN)/python -m benchmarks.speed.reading_profile

lint: .venv/dev  ## style, types and which room imports which
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/mypy
	$(BIN)/lint-imports

bundle: node_modules/.package-lock.json  ## the report's script; needs npm, after a change in web/js
	npm run --silent bundle

docs: .venv/docs  ## the documentation, in docs/_build; a warning is an error
	$(BIN)/sphinx-build -W --keep-going -b html docs docs/_build

pull: $(SMOLLM2)  ## bring the language model to where a wheel carries it

wheel: $(SMOLLM2) .poetry/installed  ## dist/*.whl, with language model and shipped detector, and its bill of materials
	rm -rf dist
	.poetry/bin/poetry build --format=wheel
	# CycloneDX of what the lock has for users, and of the language model; the name and version come
	# from [project] alone
	sed '/^\[tool/,$$d' pyproject.toml > .poetry/project.toml
	.poetry/bin/poetry export --extras='documents service mcp tracking' --format=requirements.txt \
	    | .poetry/bin/cyclonedx-py requirements --pyproject=.poetry/project.toml --mc-type=library \
	        --output-reproducible --no-validate - \
	    | .poetry/bin/python scripts/bill_of_materials.py $(dir $(SMOLLM2)) > .poetry/bill.json
	mv .poetry/bill.json dist/perplexity-detector.cdx.json

kaggle: wheel  ## dist/kaggle: the wheels and the notebook that Kaggle needs without internet
	$(KAGGLE_PYTHON) scripts/kaggle.py dist/*.whl dist/kaggle $(if $(filter no,$(KAGGLE_TORCH)),--no-torch)

lock: .poetry/installed  ## renew poetry.lock and constraints.txt after a change of dependencies
	.poetry/bin/poetry lock
	# torch pins CUDA's libraries itself, and a machine without a card should not have them
	.poetry/bin/poetry export --all-extras --without-hashes --format=constraints.txt \
	    | grep -vE '^(nvidia-|cuda-|triton==)' > constraints.txt

clean:
	rm -rf .venv .peers .poetry .fuzz node_modules dist docs/_build .pytest_cache .mypy_cache .ruff_cache

.venv/created:
	$(PYTHON) -m venv .venv
	@touch $@

.venv/installed: .venv/created pyproject.toml constraints.txt
	$(call install,documents service tracking)
	@touch $@

.venv/dev: .venv/created pyproject.toml constraints.txt
	$(call install,documents service mcp tracking s3 gcs dev)
	# it pins versions of 2023 and 2024, and runs with those of today
	$(BIN)/python -m pip install --quiet --no-compile --no-deps raid-bench==0.2.0
	@touch .venv/installed $@  # which has less

.venv/fuzz: .venv/dev
	$(call install,documents service mcp tracking s3 dev fuzz)
	@touch $@

.venv/distributed: .venv/dev
	$(call install,documents service mcp tracking s3 gcs dev ray spark)
	@touch $@

.venv/benchmarks: .venv/dev
	$(call install,documents service mcp tracking s3 gcs dev benchmarks)
	@touch $@

.peers/installed: constraints.txt
	$(PYTHON) -m venv .peers
	.peers/bin/python -m pip install --quiet --constraint=constraints.txt torch minicons surprisal
	@touch $@

.venv/docs: .venv/installed
	$(call install,documents service tracking docs)
	@touch $@

.poetry/installed:
	$(PYTHON) -m venv .poetry
	.poetry/bin/python -m pip install --quiet 'poetry>=2.1,<3' poetry-plugin-export 'cyclonedx-bom>=7,<8'
	@touch $@

node_modules/.package-lock.json: package.json package-lock.json
	npm ci --no-audit --no-fund
	@touch $@

$(SMOLLM2): .venv/installed
	$(BIN)/python -m perplexity_detector.lm.pull
