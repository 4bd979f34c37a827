.PHONY: install test lint train quality

install:  ## Development install; on a GPU machine leave out -c constraints-cpu.txt
	pip install -c constraints-cpu.txt -e ".[dev]" --config-settings editable_mode=strict

test:
	pytest

lint:
	ruff check .
	ruff format --check .
	root=$$PWD && cd $${TMPDIR:-/tmp} && mypy --config-file $$root/pyproject.toml -p framing

train:  ## Makes the shipped model: about 40 minutes on 2 cores
	framing train --config training/default.yaml --force

quality:  ## Compares with other systems: hours; benchmarks/quality.py says more
	python benchmarks/quality.py --output benchmarks/quality
