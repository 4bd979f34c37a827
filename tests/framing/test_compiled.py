from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

import pytest

from framing.engines.compiled import CACHE_VARIABLE, cached_bytes


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache"


def never() -> bytes:
    raise AssertionError("built again")


def test_built_once(cache: Path) -> None:
    assert cached_bytes("a", lambda: b"content") == b"content"
    assert cached_bytes("a", never) == b"content"
    assert [path.name for path in cache.iterdir()] == ["a"]


@pytest.mark.parametrize("damage", [b"", b"x" * 10, b"x" * 100])
def test_a_damaged_file_is_built_again_with_one_line(
    damage: bytes, cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cached_bytes("a", lambda: b"content")
    (cache / "a").write_bytes(damage)
    with caplog.at_level(logging.WARNING):
        assert cached_bytes("a", lambda: b"content") == b"content"
    assert len(caplog.records) == 1
    assert cached_bytes("a", never) == b"content"


def test_works_where_nothing_can_be_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "file" / "cache"))
    assert cached_bytes("a", lambda: b"content") == b"content"


def test_two_processes_that_start_at_once_both_answer(model_folder: Path, cache: Path) -> None:
    code = (
        "from framing import Classifier;"
        f"c = Classifier.from_pretrained({str(model_folder)!r}, device='cpu');"
        "print(c.engine, c.probabilities(['Russia keeps its base.']).sum())"
    )
    processes = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = [process.communicate(timeout=120)[0] for process in processes]
    assert said[0] == said[1]
    assert said[0].startswith("openvino 4.0")
    assert len(list(cache.iterdir())) == 1
