"""How fast sentences are classified, by us and by what one would use instead.

    python benchmarks/speed.py --quick           # under 5 minutes on 2 cores
    python benchmarks/speed.py                   # all sizes up to 1,000,000 sentences
    python benchmarks/speed.py --device cuda

Every system runs in a process of its own, one after the other, on the same sentences, of the
seeds and the corpora (labels/README.md; without those, of authored text), 25 tokens on
average. Printed are medians of the runs: sentences per second, milliseconds for one sentence
alone, seconds from the start of Python to the first answer, and peak memory. Ours is measured
end to end, on documents that it splits itself, with repeated sentences computed each time.
The limit is what the machine's matrix products alone would allow in the fastest precision.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from speed_systems import SYSTEMS, available, prepare

from framing.cpus import available_cpus
from framing.labels.corpora import find_corpora
from framing.labels.records import packaged_path, read_records
from framing.labels.schema import load_schema
from framing.models.store import find_model
from framing.training.config import load_config

SENTENCES, QUICK_SENTENCES = 4000, 1000
RUNS, QUICK_RUNS = 5, 3
SIZES, QUICK_SIZES = (1, 10, 100, 1_000, 10_000, 100_000, 1_000_000), (1, 10, 100, 1_000, 10_000)
MEAN_TOKENS = 25
OURS, BASELINE = "framing, end to end", "HF pipeline, batch 32"
PLAIN_START = (
    "import sys; from transformers import pipeline;"
    "print(pipeline('text-classification', model=sys.argv[1])(sys.argv[2]))"
)
EXAMPLE = "Moscow wants to keep its base at Tartus."


def main() -> None:
    arguments = _arguments()
    if arguments.worker:
        print(json.dumps(measure(arguments)))
        return
    console = Console(width=120)
    with tempfile.TemporaryDirectory(prefix="framing-speed-") as scratch:
        texts = Path(scratch) / "texts.json"
        chosen, tokens = sentences(QUICK_SENTENCES if arguments.quick else SENTENCES)
        texts.write_text(json.dumps(chosen))
        models = prepare(Path(scratch))
        limit = matrix_limit(arguments.device) / (tokens * _flops_per_token())
        console.print(
            f"{len(chosen)} sentences, {tokens:.1f} tokens on average; {available_cpus()} "
            f"processors, device {arguments.device}; matrix limit {limit:,.0f} sentences/s"
        )
        shared = {"texts": texts, "models": models, "device": arguments.device}
        shared["runs"] = QUICK_RUNS if arguments.quick else RUNS
        names = arguments.systems or available(arguments.device)
        rows = {name: _in_process(name, **shared) for name in names}
        _print(console, rows, limit)
        if arguments.device == "cpu":
            _print_starts(console, models)
        if OURS in rows:
            sizes = arguments.sizes or (QUICK_SIZES if arguments.quick else SIZES)
            _print_sizes(console, sizes, arguments.on, **shared)


def measure(arguments: argparse.Namespace) -> dict[str, float]:
    """Figures of one system, in this process.

    With ``--size``, only the rate at that many sentences is measured, once.
    """
    started = time.perf_counter() - _seconds_since_start()
    run = SYSTEMS[arguments.worker](arguments.models, arguments.device, arguments.threads)
    run([EXAMPLE])
    first = time.perf_counter() - started
    texts = json.loads(arguments.texts.read_text())
    if arguments.size:
        begin = time.perf_counter()
        count = run(islice(cycle(texts), arguments.size))
        return {"rate": count / (time.perf_counter() - begin), "memory": _peak_memory()}
    if arguments.worker.endswith("batch 1"):
        texts = texts[: len(texts) // 4]
    run(texts[:100])
    rates, alone = [], []
    for _ in range(arguments.runs):
        begin = time.perf_counter()
        count = run(texts)
        rates.append(count / (time.perf_counter() - begin))
    for text in texts[:50]:
        begin = time.perf_counter()
        run([text])
        alone.append(1000 * (time.perf_counter() - begin))
    return {
        "rate": statistics.median(rates),
        "alone": statistics.median(alone),
        "first": first,
        "memory": _peak_memory(),
    }


def sentences(count: int) -> tuple[list[str], float]:
    """Sentences of about :data:`MEAN_TOKENS` tokens on average, and what it is exactly."""
    from tokenizers import Tokenizer

    schema, config = load_schema(), load_config(None)
    texts = [record.text or "" for record in read_records(packaged_path("seeds"), schema)]
    folder = find_corpora(None, config.corpora)
    if folder is None:
        texts += [r.text or "" for r in read_records(packaged_path("coverage"), schema)]
    else:
        for path in sorted(folder.glob("sentences*.jsonl")):
            texts += [json.loads(line)["text"] for line in path.open(encoding="utf-8")]
    texts = list(dict.fromkeys(texts))
    texts = [texts[i] for i in np.random.default_rng(13).permutation(len(texts))]
    tokenizer = Tokenizer.from_file(str(find_model("default") / "tokenizer.json"))
    tokenizer.no_padding()
    lengths = [len(encoding.ids) for encoding in tokenizer.encode_batch(texts)]
    chosen: list[str] = []
    total = 0
    for text, length in zip(texts, lengths, strict=True):
        # A sentence that would lift the mean too far is passed over.
        if len(chosen) < count and (total + length <= MEAN_TOKENS * (len(chosen) + 1) + 50):
            chosen.append(text)
            total += length
    return chosen, total / len(chosen)


def matrix_limit(device: str) -> float:
    """Floating-point operations per second of the encoder's matrix products alone."""
    import torch

    from framing.engines.torch import DTYPES, fastest_precision

    dtype = DTYPES[fastest_precision(torch.device(device))]
    best = 0.0
    for inner, outer in ((384, 1536), (1536, 384), (384, 384)):
        left = torch.randn(2048, inner, device=device).to(dtype)
        right = torch.randn(outer, inner, device=device).to(dtype).t()
        rates = []
        for _ in range(8):
            begin = time.perf_counter()
            for _ in range(20):
                left @ right
            if device != "cpu":
                torch.cuda.synchronize()
            rates.append(20 * 2 * 2048 * inner * outer / (time.perf_counter() - begin))
        best = max(best, *rates)
    return best


def _flops_per_token() -> float:
    encoder = json.loads((find_model("default") / "config.json").read_text())["encoder"]
    size, inner = encoder["hidden_size"], encoder["intermediate_size"]
    return float(2 * encoder["num_hidden_layers"] * (4 * size * size + 2 * size * inner))


def _in_process(name: str, **options: Any) -> dict[str, float]:
    command = [sys.executable, __file__, "--worker", name]
    for option, value in options.items():
        command += [f"--{option}", str(value)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{name} failed:\n{done.stderr[-2000:]}")
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


def _print(console: Console, rows: dict[str, dict[str, float]], limit: float) -> None:
    table = Table(*("system", "sentences/s", "of limit", "x pipeline", "one, ms"))
    table.add_column("first answer, s")
    table.add_column("peak, MB")
    base = rows.get(BASELINE, {}).get("rate")
    for name, row in rows.items():
        table.add_row(
            name,
            f"{row['rate']:,.0f}",
            f"{row['rate'] / limit:.2f}",
            f"{row['rate'] / base:.1f}" if base else "",
            f"{row['alone']:.1f}",
            f"{row['first']:.2f}",
            f"{row['memory']:.0f}",
        )
    console.print(table)


def _print_starts(console: Console, models: Path) -> None:
    """Wall time of whole commands, from the start of Python to its end."""
    command = [sys.executable, "-m", "framing", "classify", EXAMPLE]
    with tempfile.TemporaryDirectory() as empty:
        fresh = _seconds(command, FRAMING_CACHE_DIR=empty)
        ours = statistics.median(_seconds(command, FRAMING_CACHE_DIR=empty) for _ in range(5))
    plain = [sys.executable, "-c", PLAIN_START, str(models / "pipeline"), EXAMPLE]
    theirs = statistics.median(_seconds(plain) for _ in range(3))
    console.print(
        f"framing classify, one sentence: {ours:.2f} s, {fresh:.2f} s with an empty cache; "
        f"torch and transformers: {theirs:.2f} s, {theirs / ours:.1f} times as long"
    )


def _print_sizes(
    console: Console, sizes: Sequence[int], on: Sequence[int] | None, **shared: Any
) -> None:
    threads = on or (sorted({1, available_cpus()}) if shared["device"] == "cpu" else [1])
    table = Table("sentences", *(f"{count} thread{'s' * (count > 1)}" for count in threads))
    table.add_column("peak, MB")
    for size in sizes:
        found = [_in_process(OURS, size=size, threads=count, **shared) for count in threads]
        rates = [f"{row['rate']:,.0f}/s" for row in found]
        table.add_row(f"{size:,}", *rates, f"{found[-1]['memory']:.0f}")
    console.print(table)


def _seconds(command: Sequence[str], **variables: str) -> float:
    begin = time.perf_counter()
    environment = {**os.environ, **variables}
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
    return time.perf_counter() - begin


def _seconds_since_start() -> float:
    """Since this process was started, imports and all."""
    import psutil

    return time.time() - psutil.Process().create_time()


def _peak_memory() -> float:
    """Megabytes that this process has held at most."""
    status = Path("/proc/self/status")
    if status.is_file():  # getrusage would count what the process that started this one held
        (line,) = (x for x in status.read_text().splitlines() if x.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--systems", nargs="+", choices=list(SYSTEMS))
    parser.add_argument("--sizes", nargs="+", type=int, help="numbers of sentences to try ours on")
    parser.add_argument("--on", nargs="+", type=int, help="threads to try sizes on; 1 and all")
    # What follows is for the processes that this one starts.
    parser.add_argument("--worker", choices=list(SYSTEMS), help=argparse.SUPPRESS)
    parser.add_argument("--texts", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--models", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--runs", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--size", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--threads", type=int, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
