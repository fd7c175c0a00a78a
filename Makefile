.DEFAULT_GOAL := help
.PHONY: help demo docs pictures test lint bench soak test-spark
PYTHON := .venv/bin/python
BIN := .venv/bin

help: ## list these commands
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

demo: ## set up, and play a real year of orders through the ledger, the reports and the papers
	@bin/setup demo
	$(BIN)/tiffin demo

docs: ## build the documentation site into build/site, from the pages and the code
	@[ -e .venv/set-up-test ] || bin/setup demo
	@bin/setup docs
	$(PYTHON) -m docs.build_site

pictures: ## redraw the README's pictures from the demo
	@bin/setup test
	$(PYTHON) -m tests.pictures

test: ## set up, and run every check and every test
	@bin/setup test
	@$(MAKE) --no-print-directory lint
	$(BIN)/pytest -n 3 --dist worksteal

lint: ## ruff, mypy, import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: ## measure: posting, orders, the export, reports, papers, each against a yardstick; and pages
	@bin/setup test
	$(PYTHON) -m tests.benchmarks.bench_post
	$(PYTHON) -m tests.benchmarks.bench_orders
	$(PYTHON) -m tests.benchmarks.bench_lunches
	$(PYTHON) -m tests.benchmarks.bench_door
	$(PYTHON) -m tests.benchmarks.bench_questions
	$(PYTHON) -m tests.benchmarks.bench_export
	$(PYTHON) -m tests.benchmarks.bench_reports
	$(PYTHON) -m tests.benchmarks.bench_papers
	$(PYTHON) -m tests.benchmarks.bench_pages

soak: ## the long random runs, on Spark too
	@bin/setup test
	@bin/setup spark
	$(BIN)/pytest -n 2 -m soak

test-spark: ## the standard reports on Spark, against Polars
	@bin/setup test
	@bin/setup spark
	$(BIN)/pytest -m "spark and not soak" -n 2
