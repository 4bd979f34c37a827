from __future__ import annotations

import builtins
from pathlib import Path
from typing import Any

import pytest

from framing.exporting import ExportFormat, export
from framing.labels.errors import FramingError


@pytest.mark.parametrize("to", list(ExportFormat))
def test_what_is_written_says_the_same(
    to: ExportFormat, model_folder: Path, tmp_path: Path
) -> None:
    if to is ExportFormat.ONNX:
        pytest.importorskip("onnxruntime")
    done = export(model_folder, tmp_path / "out", to=to)
    assert done.model.is_file()
    assert (tmp_path / "out" / "tokenizer.json").is_file()
    assert done.sentences > 500
    # A random model decides many a case by a hair, which eight bits cannot tell.
    assert done.same_tags > (0.5 if to is ExportFormat.INT8 else 0.98)
    with pytest.raises(FramingError, match="--force"):
        export(model_folder, tmp_path / "out", to=to)


def test_a_missing_package_is_named(
    model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "onnxruntime":
            raise ImportError("no onnxruntime", name="onnxruntime")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    message = r"onnxruntime is not installed: pip install 'framing\[export"
    for _ in range(2):  # nothing is left that would stand in the way
        with pytest.raises(FramingError, match=message):
            export(model_folder, tmp_path / "out", to=ExportFormat.ONNX)
    assert list(tmp_path.iterdir()) == []


def test_outputs_that_cannot_be_written_are_named(model_folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    for output, problem in (
        (file, "is not a folder"),
        (file / "in", "cannot be written"),
        (model_folder, "is the model itself"),
    ):
        with pytest.raises(FramingError, match=f"{output}: {problem}"):
            export(model_folder, output, to=ExportFormat.OPENVINO, force=True)
