"""A batch job over very many rows: its rate beside that of classify_many, and its memory.

    python benchmarks/batch.py --rows 1000000

Rows are made from the packaged sentences: each is one of them without a few of its words, so
that hardly any two are the same and lengths are as they are in news. Standoff sentences, whose
text is not here, are left out. The job runs as a process of its own, by the command line.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.parquet as pq

from framing import Classifier
from framing.labels.records import packaged_path, read_records
from framing.labels.schema import load_schema

FILES = ("seeds", "reports", "analyses", "coverage")
SEED = 11
ROW_GROUP = 50_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--compared", type=int, default=20_000, help="rows for classify_many")
    parser.add_argument("--workers", type=int, nargs="+", default=[2])
    parser.add_argument("--precision", default="auto")
    arguments = parser.parse_args()
    with TemporaryDirectory(prefix="framing-batch-") as folder:
        source = Path(folder) / "rows.parquet"
        write_rows(source, arguments.rows)
        print(f"{arguments.rows:,} rows, {source.stat().st_size / 1e6:.0f} MB of Parquet")
        rates = [plain_rate(arguments.compared, arguments.precision)]
        print(
            f"classify_many, {arguments.compared:,} of them: {rates[0]:.0f} sentences/s", flush=True
        )
        reports = [
            run_job(source, Path(folder) / f"out{n}", n, arguments.precision)
            for n in arguments.workers
        ]
        rates.append(plain_rate(arguments.compared, arguments.precision))
        print(f"classify_many again, afterwards: {rates[1]:.0f} sentences/s")
        mean = sum(rates) / 2
        for workers, report in zip(arguments.workers, reports, strict=True):
            rate = report["sentences_per_second"]
            print(f"workers {workers}: {rate / mean:.2f} of the mean of classify_many's two rates")


def texts() -> Iterator[str]:
    """Endless texts of one sentence each, the same every time."""
    schema = load_schema()
    known = [r.text for name in FILES for r in read_records(packaged_path(name), schema) if r.text]
    chance = random.Random(SEED)
    while True:
        words = chance.choice(known).split()
        dropped = set(chance.sample(range(len(words)), k=min(len(words) // 4, 3)))
        yield " ".join(word for place, word in enumerate(words) if place not in dropped)


def write_rows(path: Path, count: int) -> None:
    made, outlets = texts(), ("agency", "daily", "weekly")
    schema = pa.schema([("id", pa.int64()), ("outlet", pa.string()), ("text", pa.string())])
    with pq.ParquetWriter(path, schema) as writer:
        for start in range(0, count, ROW_GROUP):
            part = list(islice(made, min(ROW_GROUP, count - start)))
            ids = list(range(start, start + len(part)))
            names = [outlets[i % 3] for i in ids]
            writer.write_table(pa.table([ids, names, part], schema=schema))


def plain_rate(count: int, precision: str) -> float:
    classifier = Classifier.from_pretrained(precision=precision)
    chosen = list(islice(texts(), count))
    sum(1 for _ in classifier.classify_many(chosen[:500]))
    started = time.perf_counter()
    sentences = sum(len(document.sentences) for document in classifier.classify_many(chosen))
    return sentences / (time.perf_counter() - started)


def run_job(source: Path, output: Path, workers: int, precision: str) -> dict[str, float]:
    command = [sys.executable, "-m", "framing", "batch", str(source), "--output", str(output)]
    command += ["--workers", str(workers), "--precision", precision, "--quiet"]
    process = subprocess.Popen(command)
    peak, said = 0.0, 0.0
    started = time.monotonic()
    while process.poll() is None:
        time.sleep(0.5)
        peak = max(peak, memory(process.pid))
        if time.monotonic() - said > 120:
            said = time.monotonic()
            done = len(list(output.glob("data/part-*")))
            print(
                f"  {said - started:5.0f} s: {done} parts, {memory(process.pid):.0f} MB", flush=True
            )
    if process.returncode:
        raise SystemExit(f"the job failed with {process.returncode}")
    report: dict[str, float] = json.loads((output / "report.json").read_text())
    print(
        f"framing batch, workers {workers}: {report['sentences_per_second']:.0f} sentences/s, "
        f"{time.monotonic() - started:.0f} s in all, peak memory {peak:.0f} MB; "
        f"{report['rows_in']:,} rows in, {report['rows_out']:,} out"
    )
    return report


def memory(pid: int) -> float:
    """Resident megabytes of a process."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0.0
    fields = dict(line.split(":", 1) for line in lines if ":" in line)
    return int(fields.get("VmRSS", "0 kB").split()[0]) / 1024


if __name__ == "__main__":
    main()
