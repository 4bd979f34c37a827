from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from framing.engines.compiled import (
    CACHE_VARIABLE,
    KEPT,
    cache_folder,
    read_compiled,
    write_compiled,
)


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_what_was_kept_comes_back(cache: Path) -> None:
    assert read_compiled("a") is None
    write_compiled("a", b"content")
    assert read_compiled("a") == b"content"
    assert read_compiled("b") is None
    assert len(list(cache.iterdir())) == 1


@pytest.mark.parametrize("damage", [b"", b"x" * 10, b"x" * 100])
def test_a_damaged_file_is_told_in_one_line(
    damage: bytes, cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_compiled("a", b"content")
    (path,) = cache.iterdir()
    path.write_bytes(damage)
    with caplog.at_level(logging.WARNING):
        assert read_compiled("a") is None
    assert len(caplog.records) == 1
    write_compiled("a", b"content")
    assert read_compiled("a") == b"content"


def test_works_where_nothing_can_be_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "file" / "cache"))
    write_compiled("a", b"content")
    assert read_compiled("a") is None


def test_only_the_models_used_last_are_kept(cache: Path) -> None:
    for number in range(KEPT):
        write_compiled(f"k{number}", b"content")
        (path,) = cache.glob(f"*k{number}*")
        os.utime(path, (number, number))
    assert read_compiled("k0") == b"content"  # which makes it the newest
    write_compiled("one-more", b"content")
    assert len(list(cache.iterdir())) == KEPT
    assert read_compiled("k0") == b"content"
    assert read_compiled("k1") is None


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


def test_a_home_that_no_shell_has_filled_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, "~/cache")
    assert cache_folder() == Path.home() / "cache"
