from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from helpers import SENTENCES
from hypothesis import given, settings
from hypothesis import strategies as st
from openvino import Core

from framing import Classifier
from framing.engines import Choice, EngineName, choose
from framing.labels.errors import FramingError

MANY = [*(text for text, _ in SENTENCES), "He left.", "word " * 20, "🙂", "Базы."]
TEXTS = ["Russia keeps its base.", "He left.", "word " * 60 + "at Tartus.", "🙂", "Базы."]


@pytest.fixture(params=list(EngineName))
def engine_classifier(request: pytest.FixtureRequest, model_folder: Path) -> Classifier:
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
    from framing.engines.openvino import OpenVinoEngine
    from framing.engines.torch import TorchEngine

    engines = [
        kind(model_folder, device="cpu", precision="f32") for kind in (OpenVinoEngine, TorchEngine)
    ]
    ids, _ = classifier._scorer.encoder.windows(TEXTS)
    np.testing.assert_allclose(*(engine.logits(ids) for engine in engines), atol=1e-3)


def test_eight_bits_are_near_single_precision(model_folder: Path) -> None:
    eight, single = (
        Classifier.from_pretrained(model_folder, device="cpu", precision=precision)
        for precision in ("int8", "f32")
    )
    assert eight.precision == "int8"
    found, wanted = (c.probabilities(MANY) for c in (eight, single))
    # A random model's answers are the widest there are: they move by hundredths.
    assert np.abs(found - wanted).mean() < 0.02
    assert (found.argmax(-1) == wanted.argmax(-1)).mean() > 0.9
    assert (eight.probabilities(MANY) == found).all()
    again = Classifier.from_pretrained(model_folder, device="cpu", precision="int8")
    assert (again.probabilities(MANY) == found).all()  # from the cache


def test_floats_that_the_processor_lacks_are_refused(model_folder: Path) -> None:
    able = Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    if "BF16" in able:
        loaded = Classifier.from_pretrained(model_folder, device="cpu", precision="bf16")
        assert loaded.precision == "bf16"
    else:
        with pytest.raises(FramingError, match="bf16: this processor computes in f32 instead"):
            Classifier.from_pretrained(model_folder, device="cpu", precision="bf16")


def test_torch_has_no_eight_bits(model_folder: Path) -> None:
    with pytest.raises(FramingError, match="int8"):
        Classifier.from_pretrained(model_folder, device="cpu", engine="torch", precision="int8")


def test_first_calls_from_many_threads_do_not_wait_for_each_other(model_folder: Path) -> None:
    code = (
        "import threading\nfrom framing import Classifier\n"
        f"c = Classifier.from_pretrained({str(model_folder)!r}, device='cpu', threads=1)\n"
        "start = threading.Barrier(4)\n"
        "def first():\n    start.wait()\n    c.probabilities(['A base.'])\n"
        "threads = [threading.Thread(target=first) for _ in range(4)]\n"
        "[t.start() for t in threads]\n[t.join() for t in threads]"
    )
    for _ in range(3):  # it took about ten tries to meet the deadlock that there was
        subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_classifying_on_a_cpu_imports_nothing_heavy(model_folder: Path) -> None:
    heavy = ("torch", "transformers", "pandas", "datasets", "sklearn", "scipy")
    code = (
        "import sys\nfrom framing.cli.main import main\n"
        f"sys.argv = ['framing', 'classify', 'A base.', '--model', {str(model_folder)!r}, "
        "'--device', 'cpu']\ntry:\n    main()\nexcept SystemExit as stop:\n"
        f"    print(stop.code, [name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "0 []"


def test_auto_is_openvino_on_a_cpu_and_torch_on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("framing.engines.may_have_gpu", lambda: False)
    assert choose("auto", "auto").engine is EngineName.OPENVINO
    assert choose("auto", "cpu").device == "cpu"
    assert choose("auto", "cuda:1").engine is EngineName.TORCH
    assert choose("torch", "auto") == Choice(EngineName.TORCH, "auto", "as asked")


def test_an_encoder_without_a_graph_of_its_own_is_converted(
    model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, classifier: Classifier
) -> None:
    monkeypatch.setattr("framing.engines.openvino.is_supported", lambda _: False)
    monkeypatch.setenv("FRAMING_CACHE_DIR", str(tmp_path))
    converted = Classifier.from_pretrained(model_folder, device="cpu", precision="f32")
    exact = Classifier.from_pretrained(model_folder, engine="torch", precision="f32")
    np.testing.assert_allclose(
        converted.probabilities(TEXTS), exact.probabilities(TEXTS), atol=1e-3
    )


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_neighbours_order_and_batches_never_change_a_label(
    data: st.DataObject, classifier: Classifier
) -> None:
    texts = data.draw(st.lists(st.sampled_from(MANY), min_size=1, max_size=12))
    budget = data.draw(st.sampled_from([8, 64, 2048]))
    alone = {text: tags(classifier, [text])[0] for text in set(texts)}
    assert tags(classifier, texts, batch_tokens=budget) == [alone[text] for text in texts]


def tags(classifier: Classifier, texts: list[str], **options: int) -> list[list[tuple[str, str]]]:
    documents = classifier.classify_many(texts, split=False, **options)
    return [
        [(tag.topic, tag.stance) for s in document.sentences for tag in s.tags]
        for document in documents
    ]


@pytest.mark.parametrize("threads", [1, 2])
def test_threads_are_honoured(threads: int, model_folder: Path) -> None:
    assert (
        Classifier.from_pretrained(model_folder, device="cpu", threads=threads).threads == threads
    )


def test_errors_name_what_is_wrong(model_folder: Path) -> None:
    with pytest.raises(FramingError, match="unknown engine 'onnx'; there are auto, torch, openv"):
        Classifier.from_pretrained(model_folder, engine="onnx")
    with pytest.raises(FramingError, match="runs on the cpu, not on 'cuda'"):
        Classifier.from_pretrained(model_folder, engine="openvino", device="cuda")
    with pytest.raises(FramingError, match="unknown precision 'int4'"):
        Classifier.from_pretrained(model_folder, precision="int4")
    with pytest.raises(FramingError, match="threads must be a whole number"):
        Classifier.from_pretrained(model_folder, threads=0)
