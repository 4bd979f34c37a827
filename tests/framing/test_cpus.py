from __future__ import annotations

from pathlib import Path

import pytest

from framing import cpus


@pytest.mark.parametrize(
    ("content", "expected"),
    [("max 100000", 8), ("150000 100000", 2), ("100 100000", 1), ("nonsense", 8), ("", 8)],
)
def test_a_containers_quota_counts(
    content: str, expected: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "cpu.max").write_text(content)
    monkeypatch.setattr(cpus, "_QUOTA_V2", tmp_path / "cpu.max")
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(8)), raising=False)
    assert cpus.available_cpus() == expected


def test_no_control_groups_no_limit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("_QUOTA_V2", "_QUOTA_V1", "_PERIOD_V1"):
        monkeypatch.setattr(cpus, name, tmp_path / "none")
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1, 2}, raising=False)
    assert cpus.available_cpus() == 3
