"""Memory of the CPU path, with the shipped model."""

from __future__ import annotations

import subprocess
import sys

import pytest

CODE = """
from pathlib import Path
from framing import Classifier

def texts():
    for number in range(20_000):
        yield " ".join(f"Item {number % 40}, part {part}, is about the port." for part in range(10))

classifier = Classifier.from_pretrained(device="cpu")
count = sum(len(document.sentences) for document in classifier.classify_many(texts()))
lines = Path("/proc/self/status").read_text().splitlines()
print(count, *(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM")))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_two_hundred_thousand_sentences_from_a_generator_stay_under_450_mb() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    count, megabytes = map(int, done.stdout.split())
    assert count == 200_000
    assert megabytes < 450
