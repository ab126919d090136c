# `make demo` and `make test` need nothing but this checkout: they set up the rest themselves.

.PHONY: help setup demo demo-stop test quick coverage lint format docs bench clean

help:
	@echo "make demo       set everything up, build and run the example, print a prediction and its URL"
	@echo "make demo-stop  stop what 'make demo' left running"
	@echo "make test       set everything up and run all checks and tests, with a real engine"
	@echo "make quick      the checks and tests that need no engine"
	@echo "make coverage   the tests that need no engine, and the lines that they did not run"
	@echo "make lint       the checks of code, format and types; the commit hook runs it"
	@echo "make bench      measure, compare with others, and print ratios"

setup:
	@.ci/setup

demo:
	@.ci/demo

demo-stop:
	@.ci/demo stop

test:
	@.ci/test

quick: setup
	@.ci/test quick

# Apart from `make test`: noting each line makes the tests take three times as long.
coverage: setup
	.venv/bin/python -m coverage erase
	.venv/bin/python -m coverage run -m pytest -m "not docker"
	.venv/bin/python -m coverage combine --quiet
	.venv/bin/python -m coverage report

lint: setup
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

format: setup
	.venv/bin/ruff check --fix-only .
	.venv/bin/ruff format .

docs: setup
	.venv/bin/python docs/commands_page.py > docs/commands.md
	.venv/bin/python docs/build_site.py

bench: setup
	.venv/bin/python -m benchmarks --json .cache/bench.json --plot .cache/bench.svg

clean:
	rm -rf .venv .cache build dist demo .mypy_cache .pytest_cache .ruff_cache .coverage
