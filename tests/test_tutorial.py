"""Every command of the tutorial runs, in its order, and leaves what the tutorial says."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from helpers import ROOT

from framing import Classifier
from framing.labels.formats import read_labels
from framing.labels.schema import load_schema

TUTORIAL = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
COMMANDS = [
    line
    for block in re.findall(r"^```bash\n(.*?)^```$", TUTORIAL, re.M | re.S)
    for line in block.splitlines()
]


def test_the_tutorial_runs(tmp_path: Path) -> None:
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    for line in COMMANDS:
        command = shlex.split(line)
        assert command[0] == "framing"
        done = subprocess.run(
            [sys.executable, "-m", *command],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
        assert done.returncode == 0, f"{line}\n{done.stderr[-2000:]}"
    model = tmp_path / "energy-model"
    assert "wind_farms" in (model / "README.md").read_text(encoding="utf-8")
    assert Classifier.from_pretrained(model).schema.topic_names[1] == "wind_farms"
    schema = load_schema(ROOT / "examples" / "new_topics" / "schema.yaml")
    suggested = read_labels(tmp_path / "next.xlsx", schema).records
    assert len(suggested) == 50
    known = read_labels(ROOT / "examples" / "new_topics" / "labels.xlsx", schema).records
    assert not {r.text for r in suggested} & {r.text for r in known}
    assert "svg" in (tmp_path / "energy-tagged" / "report.html").read_text(encoding="utf-8").lower()


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=lambda p: p.name)
def test_links_of_the_docs_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
        assert target.startswith("http") or (page.parent / target).exists(), target
