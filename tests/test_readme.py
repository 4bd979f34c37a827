"""The README's code runs, and prints what the README says."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
import sys
from pathlib import Path
from unittest.mock import patch

import pytest
from helpers import ROOT

from framing.cli.main import main

README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", README, re.M | re.S)
ARTICLE = "Moscow wants to keep its base at Tartus. Damascus demands Assad's extradition.\n"


def without_numbers(text: str) -> str:
    # The last digit of a probability may differ between processors.
    return re.sub(r"\d\.\d+", "#", text).strip()


def test_python_blocks_run_and_the_first_prints_what_is_shown() -> None:
    pytest.importorskip("pandas")
    scope: dict[str, object] = {}
    outputs = []
    for language, code in BLOCKS:
        if language == "python":
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed):
                exec(compile(code, "README.md", "exec"), scope)  # noqa: S102
            outputs.append(printed.getvalue())
    (shown,) = [code for language, code in BLOCKS if language == "text"]
    assert without_numbers(outputs[0]) == without_numbers(shown)


def commands() -> list[str]:
    lines = [line for language, code in BLOCKS if language == "bash" for line in code.splitlines()]
    return [line for line in lines if "framing classify" in line or "framing info" in line]


@pytest.mark.parametrize("line", commands())
def test_commands_run(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("article.txt", "a.txt", "b.txt"):
        Path(name).write_text(ARTICLE, encoding="utf-8")
    arguments = shlex.split(
        line.rsplit("|", maxsplit=1)[-1].split(">", maxsplit=1)[0], comments=True
    )
    assert arguments[0] == "framing"
    if "./mine" in arguments:
        arguments[arguments.index("./mine")] = "default"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(ARTICLE.encode())))
    printed = io.StringIO()
    with (
        patch.object(sys, "argv", arguments),
        contextlib.redirect_stdout(printed),
        pytest.raises(SystemExit) as stopped,
    ):
        main()
    assert stopped.value.code == 0
    assert "military_bases" in printed.getvalue()


def test_it_stays_short_and_its_links_lead_somewhere() -> None:
    assert len(README.splitlines()) < 200
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert target.startswith("http") or (ROOT / target).exists(), target
