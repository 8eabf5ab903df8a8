# The only front door. Every target sets up what it needs: `make demo` is all a new clone wants.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV   := .venv
PYTHON_IN_VENV := $(VENV)/bin/python
HWGEN  := $(PYTHON_IN_VENV) -m hwgen
PYTEST := PATH="$(CURDIR)/$(VENV)/bin:$$PATH" $(PYTHON_IN_VENV) -m pytest
STAMP  := $(VENV)/set-up-in

export PIP_DISABLE_PIP_VERSION_CHECK := 1
unexport PYTHONPATH

.PHONY: help setup demo test check formal sim mutate fuzz noise synth rtl example waves docs size compare clean always

## help: say what the targets do
help:
	@echo "usage: make TARGET"
	@sed -n 's/^## \([a-z]*\): /  \1\t/p' Makefile | expand -t 12

## setup: make .venv with everything; done again when pyproject.toml changes
setup: $(STAMP)

# A virtual environment does not survive being moved, so the stamp says where it was made.
ifneq "$(shell cat $(STAMP) 2>/dev/null)" "$(CURDIR)"
$(STAMP): always
endif
$(STAMP): pyproject.toml
	@command -v g++ >/dev/null || { echo "hwgen needs g++ to build simulators; install it" \
	    "with the system's package manager (Debian: g++)" >&2; exit 1; }
	@if [ "$$(cat $(STAMP) 2>/dev/null)" != "$(CURDIR)" ]; then \
	    python=$$(.ci/find-python); \
	    echo "setting up $(VENV) with $$("$$python" --version); this is done once" \
	        "and takes a few minutes"; \
	    "$$python" -m venv --clear $(VENV); \
	fi
	@$(PYTHON_IN_VENV) -m pip install --quiet --editable '.[all]'
	@# The reference that golden models of networks are tested against. It has wheels for some
	@# machines only, so it is no dependency: without it those tests are skipped.
	@$(PYTHON_IN_VENV) -m pip install --quiet --no-deps tflite-micro pyyaml 2>/dev/null \
	    || echo "there is no tflite-micro for this machine: the tests against it will be skipped"
	@printf '%s\n' "$(CURDIR)" > $(STAMP)

## demo: spoken words through a keyword network, on the simulated board, checked layer by layer
demo: setup
	@$(HWGEN) run networks/kws_dscnn.tflite --input networks/kws_dscnn.npz:input \
	    --labels networks/kws_dscnn.npz --design ulx3s-85f --board sim --check

## test: the test suite, without what is slow or synthesises
test: setup
	@$(PYTEST) -q -n auto --dist loadgroup

## check: lint, types, and which folder may import which (pyproject.toml has the rules)
check: setup
	@$(PYTHON_IN_VENV) -m ruff check .
	@$(VENV)/bin/lint-imports --no-cache --no-logo
	@$(PYTHON_IN_VENV) -m mypy

## formal: all proofs, the slow ones too; the quick ones are also among the tests
formal: setup
	@$(PYTEST) -q -n auto -m formal

## sim: the benches of all units, on an 8x8 array
sim: setup
	@$(HWGEN) sim

## mutate: mutants of units whose Verilog has changed against their benches, into docs/results, or UNIT=uart
mutate: setup
	@$(PYTHON_IN_VENV) -m sim.mutation.campaign $(UNIT)

## noise: 180,000 inferences over a noisy line, into docs/results; hours
noise: setup
	@$(PYTHON_IN_VENV) -m tests.rtl.links.noise

## synth: measure with yosys and nextpnr what has changed, into docs/results; up to an hour
synth: setup
	@for list in docs/results/*.toml; do $(HWGEN) synth --list $$list; done

## fuzz: damaged files for everything that reads, 50,000 or, of one, READER=tflite COUNT=1000 SEED=2
fuzz: setup
	@$(PYTHON_IN_VENV) -m tests.fuzz $(if $(READER),--reader $(READER)) \
	    $(if $(COUNT),--count $(COUNT)) $(if $(SEED),--seed $(SEED)) $(if $(RESULTS),--results)

## rtl: Verilog of the examples and of every board's preset, into rtl_out
rtl: setup example
	@for board in boards/*.toml; do \
	    name=$$(basename "$$board" .toml); \
	    $(HWGEN) generate --design "$$name" -o "rtl_out/$$name"; \
	done

## example: Verilog of the examples that are kept in rtl_out, so that review sees what changes
example: setup
	@$(HWGEN) generate --rows 2 --columns 2 --lines 1 -o rtl_out/systolic
	@$(HWGEN) generate --unit bitserial --rows 4 --columns 2 -o rtl_out/bitserial
	@$(HWGEN) generate --unit bitplane --lanes 16 -o rtl_out/bitplane
	@$(HWGEN) generate --unit csc --rows 16 --codebook -o rtl_out/csc
	@$(HWGEN) generate --unit sdram --words 8 -o rtl_out/sdram
	@$(HWGEN) generate --rows 4 --columns 4 --lanes 1 --steps 4 --activation-memory 256 \
	    --program-memory 1024 --partial-sums 8 -o rtl_out/accelerator

## waves: timing diagrams of these examples, from their simulation, into docs/waves
waves: setup
	@$(PYTHON_IN_VENV) -m sim.waves

## docs: the site, into build/site; a warning is an error. It brings Sphinx, which no other target needs
docs: setup
	@$(PYTHON_IN_VENV) -c "import furo, myst_parser, sphinx" 2>/dev/null \
	    || $(PYTHON_IN_VENV) -m pip install --quiet --editable '.[docs]'
	@$(PYTHON_IN_VENV) -m docs.site

## size: code lines of every file
size:
	@.ci/size

## compare: what a change does to LUT, FF, DSP, RAM of Designs; REF=HEAD~2 ONLY=4x4 CLOCK=yes
compare: setup
	@$(PYTHON_IN_VENV) .ci/compare.py $(if $(REF),--ref $(REF)) $(if $(ONLY),--only $(ONLY)) \
	    $(if $(CLOCK),--clock) $(if $(JSON),--json)

## clean: remove what was built; .venv and rtl_out stay
clean:
	rm -rf build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
