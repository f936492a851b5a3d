# Short names for daily commands; .ci/run is what has to pass.
PYTHON ?= .venv/bin/python

.PHONY: setup check test slow coverage serve demo snapshots docs lock

setup:  ## Create .venv with everything that development needs
	python3 -m venv .venv
	.venv/bin/pip install -q -c constraints.txt -e '.[dev]'

check:  ## Lint, format, types, import rules, generated docs
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	$(PYTHON) -m docs.generate --check

test:  ## The tests that run within minutes
	.venv/bin/pytest -n auto

slow:  ## The long proofs, which CI runs too
	.venv/bin/pytest -n auto -m slow

coverage:  ## The same tests as `test`, with coverage and its floor; takes half as long again
	.venv/bin/pytest -n auto --cov --cov-report=term:skip-covered

serve:  ## A server with the settings of this folder
	$(PYTHON) -m server

demo:  ## A demo room with scripted users and a site
	$(PYTHON) -m tui --demo

snapshots:  ## Render the reference pictures of the screens again
	.venv/bin/pytest tests/tui/fullscreen/screens/test_snapshots.py --snapshot-update

docs:  ## Write the generated reference again
	$(PYTHON) -m docs.generate

lock:  ## Write requirements.txt again: versions and hashes of what runs in production (needs uv)
	uv pip compile -q --universal --generate-hashes --no-annotate --no-header \
		-c constraints.txt --extra serve --extra cluster -o requirements.txt pyproject.toml
