from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from framing import Classifier
from framing.engines import EngineName, load_engine
from framing.labels.errors import FramingError
from framing.models.store import write_checksums

TEXTS = ["Russia keeps its base.", "He left.", "word " * 60 + "at Tartus.", "🙂", "Базы."]


@pytest.fixture(params=list(EngineName))
def engine_classifier(request: pytest.FixtureRequest, model_folder: Path) -> Classifier:
    if request.param is EngineName.OPENVINO:
        pytest.importorskip("openvino")
    return Classifier.from_pretrained(model_folder, device="cpu", engine=request.param.value)


def test_every_engine_says_the_same(engine_classifier: Classifier, classifier: Classifier) -> None:
    found, wanted = (c.probabilities(TEXTS) for c in (engine_classifier, classifier))
    # bf16 keeps three digits of a logit.
    np.testing.assert_allclose(found, wanted, atol=0.05)
    assert engine_classifier.device == "cpu"


def test_two_runs_give_equal_bits(engine_classifier: Classifier) -> None:
    first, second = (engine_classifier.probabilities(TEXTS) for _ in range(2))
    assert (first == second).all()


def test_openvino_in_single_precision_is_torch(model_folder: Path, classifier: Classifier) -> None:
    pytest.importorskip("openvino")
    from framing.engines.openvino import OpenVinoEngine

    exact = OpenVinoEngine(model_folder, device="cpu", precision="f32")
    ids, _ = classifier._encoder.windows(TEXTS)
    np.testing.assert_allclose(exact.logits(ids), classifier._engine.logits(ids), atol=1e-3)


def test_openvino_needs_no_torch(model_folder: Path) -> None:
    pytest.importorskip("openvino")
    code = (
        "import sys; from framing import Classifier;"
        f"c = Classifier.from_pretrained({str(model_folder)!r}, engine='openvino');"
        "c.classify('Russia keeps its base.');"
        "print([m for m in ('torch', 'transformers', 'pandas', 'datasets') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_errors_name_what_is_wrong(model_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(FramingError, match="unknown engine 'onnx'; there are torch, openvino"):
        Classifier.from_pretrained(model_folder, engine="onnx")
    pytest.importorskip("openvino")
    with pytest.raises(FramingError, match="runs on the cpu, not on 'cuda'"):
        load_engine("openvino", model_folder, device="cuda")
    other = Path(shutil.copytree(model_folder, tmp_path / "other"))
    config = other / "config.json"
    config.write_text(config.read_text().replace('"model_type": "bert"', '"model_type": "mpnet"'))
    write_checksums(other)
    with pytest.raises(FramingError, match="does not know mpnet encoders"):
        Classifier.from_pretrained(other, engine="openvino")
