# Short names for daily commands. CI runs .ci/run.
PYTHON ?= .venv/bin/python

.PHONY: setup check test slow coverage serve demo snapshots docs lock

setup:  ## Create .venv with everything that development needs
	python3 -m venv .venv
	.venv/bin/pip install -q -c constraints.txt -e '.[dev]'

check:  ## Check lint, format, types, import contracts and generated docs
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	$(PYTHON) -m docs.generate --check

test:  ## Run the tests, except the slow ones
	.venv/bin/pytest -n auto

slow:  ## Run the slow tests, which CI runs, too
	.venv/bin/pytest -n auto -m slow

coverage:  ## Run `test`, and fail if the coverage is too low; takes half as long again
	.venv/bin/pytest -n auto --cov --cov-report=term:skip-covered

serve:  ## Start a server with the settings.toml of this folder
	$(PYTHON) -m server

demo:  ## Start a demo room with scripted users and a site, and join it
	$(PYTHON) -m tui --demo

snapshots:  ## Render the reference pictures of the screens again
	.venv/bin/pytest tests/tui/fullscreen/screens/test_snapshots.py --snapshot-update

docs:  ## Generate the reference pages again
	$(PYTHON) -m docs.generate

lock:  ## Pin versions and hashes of production dependencies in requirements.txt again (needs uv)
	uv pip compile -q --universal --generate-hashes --no-annotate --no-header \
		-c constraints.txt --extra serve --extra cluster -o requirements.txt pyproject.toml
