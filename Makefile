.PHONY: install test lint train evaluate

install:  ## Development install; on a GPU machine leave out -c constraints-cpu.txt
	pip install -c constraints-cpu.txt -e ".[dev]" --config-settings editable_mode=strict

test:
	pytest

lint:
	ruff check .
	ruff format --check .
	root=$$PWD && cd $${TMPDIR:-/tmp} && mypy --config-file $$root/pyproject.toml -p framing

train:  ## Makes the shipped model: about 10 minutes on 2 cores
	framing train --config training/default.yaml --force

evaluate:  ## Adds leave-one-article-out figures to the model's card: about 15 minutes
	framing evaluate labels/seeds.jsonl --leave-one-article-out --card models/default
