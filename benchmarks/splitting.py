"""Compare sentence splitters on news: pip install syntok pysbd blingfire

    python benchmarks/splitting.py ../shared/seeds

Prints, per splitter, the share of reference sentences that it finds exactly, among
the annotated sentences of the seed articles and among the cases below, and its speed.
The seed sentences were split by ``framing`` and then read by hand, which found no
error, so that only the other splitters can lose there; the cases are fairer.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

from framing.labels.records import packaged_path, read_records
from framing.labels.schema import load_schema
from framing.splitting import split_sentences

CASES = (
    ("The U.S. has 900 troops there.", "They stay."),
    ("He moved to the U.S. in 2012.", "His brother did not."),
    ("Gen. A. B. Smith met Mr. al-Sharaa on Jan. 5.", "He left."),
    ("The raid began at 5 p.m. on Monday.", "It ended at 9 a.m."),
    ("“We are ready,” he said.", "“We will help.”"),
    ("“Will they stay?” she asked.", "Nobody knew."),
    ('"They left," he said.', '"All of them."'),
    ("He called it “a crime.”", "Moscow disagreed."),
    ("Aid worth $1.5 billion came.", "Was it enough?", "No!"),
    ("Resolution No. 2254 stands, Lt. Col. Haddad said.", "It binds everyone."),
    ("Sen. J. Doe (R-Ohio) voted no.", "Sen. Roe voted yes."),
    ("The firm, Gulf Energy Co. of Doha, won.", "Work starts in Sept. 2026."),
    ("Oil fell 2.3 percent...", "Then it rose."),
    ("The lease ends in 2042; no one asks about it.", "They will."),
    ("St. George's church was hit.", "Dr. Khoury was inside."),
    ("See www.example.org for details.", "The map is there."),
)

Splitter = Callable[[str], list[str]]


def ours(text: str) -> list[str]:
    return [text[start:end] for start, end in split_sentences(text)]


def sentencex(text: str) -> list[str]:
    from sentencex import segment

    return list(segment("en", text))


def syntok(text: str) -> list[str]:
    import syntok.segmenter

    return [
        "".join(token.spacing + token.value for token in sentence)
        for paragraph in syntok.segmenter.process(text)
        for sentence in paragraph
    ]


def pysbd(text: str) -> list[str]:
    import pysbd

    return list(pysbd.Segmenter(language="en", clean=False).segment(text))


def blingfire(text: str) -> list[str]:
    import blingfire

    return str(blingfire.text_to_sentences(text)).split("\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("articles", type=Path, help="folder of the seed articles")
    articles = {
        path.stem: path.read_text(encoding="utf-8")
        for path in parser.parse_args().articles.glob("*.txt")
    }
    seeds = read_records(packaged_path("seeds"), load_schema())
    count = sum(map(len, CASES))
    print(
        f"{'splitter':<12}{f'seeds ({len(seeds)})':>12}{f'cases ({count})':>12}{'per second':>12}"
    )
    for splitter in (ours, sentencex, syntok, pysbd, blingfire):
        try:
            splitter("Try it.")
        except ImportError as error:
            print(f"{splitter.__name__:<12}not installed: pip install {error.name}")
            continue
        start = time.perf_counter()
        found = {name: {s.strip() for s in splitter(text)} for name, text in articles.items()}
        rate = sum(map(len, found.values())) / (time.perf_counter() - start)
        in_seeds = sum(record.text in found[record.document] for record in seeds) / len(seeds)
        in_cases = sum(_found(splitter, case) for case in CASES) / count
        print(f"{splitter.__name__:<12}{in_seeds:>12.2f}{in_cases:>12.2f}{rate:>12,.0f}")


def _found(splitter: Splitter, case: tuple[str, ...]) -> int:
    found = {sentence.strip() for sentence in splitter(" ".join(case))}
    return sum(sentence in found for sentence in case)


if __name__ == "__main__":
    main()
