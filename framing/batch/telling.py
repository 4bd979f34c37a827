"""The sentences that show best what a job found, each with its neighbours."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from framing.batch.output import JobOutput
from framing.labels.schema import Schema

if TYPE_CHECKING:
    import pyarrow as pa

_PLACE = ("source_file", "source_row", "sentence_index")


@dataclass(frozen=True, slots=True)
class Telling:
    """A tagged sentence in context.

    Attributes:
        topic: Name of the topic.
        stance: Name of the stance.
        probability: P(topic and stance), in [0, 1].
        before: The sentence before it in its document; empty for the first.
        text: The sentence.
        after: The sentence behind it; empty for the last.
        source_file: The input file of the document.
        source_row: 0-based row in it.
        details: Values of the columns that were asked for; empty strings for null.
    """

    topic: str
    stance: str
    probability: float
    before: str
    text: str
    after: str
    source_file: str
    source_row: int
    details: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Candidate:
    probability: float
    text: str
    part: Path
    file: str
    row: int
    index: int


class TellingSentences:
    """Keeps the most probable sentences per topic and stance while batches pass by.

    No two of a topic and stance are of one document or have the same words, so a report that
    many outlets printed is shown once.
    """

    def __init__(self, schema: Schema, *, each: int) -> None:
        self._each = each
        self._best: dict[tuple[str, str], list[_Candidate]] = {
            (topic, stance): []
            for topic in schema.topic_names
            for stance in schema.stances_of(topic)
        }

    def columns(self) -> list[str]:
        """The columns that :meth:`add` needs."""
        topics = dict.fromkeys(topic for topic, _ in self._best)
        return [*_PLACE, "sentence", *topics, *(f"{t}_{s}" for t, s in self._best)]

    def add(self, part: Path, batch: pa.RecordBatch) -> None:
        """Look at the rows of a batch of a part."""
        import pyarrow.compute as pc

        for (topic, stance), kept in self._best.items():
            floor = kept[-1].probability if len(kept) == self._each else -1.0
            probability = batch.column(f"{topic}_{stance}")
            better = pc.and_kleene(
                pc.equal(batch.column(topic), stance), pc.greater(probability, floor)
            )
            names = [*_PLACE, "sentence", f"{topic}_{stance}"]
            rows = batch.select(names).filter(better)
            if not len(rows):
                continue
            order = pc.sort_indices(rows.column(names[-1]), sort_keys=[("", "descending")])
            self._best[topic, stance] = self._merged(kept, part, rows.take(order))

    def _merged(
        self, kept: Sequence[_Candidate], part: Path, rows: pa.RecordBatch
    ) -> list[_Candidate]:
        """The best of those kept and of rows that are sorted, best first."""
        found: list[_Candidate] = []
        result = list(kept)
        # A slice at a time: mostly the first few are enough, and rows may be many.
        for start in range(0, len(rows), 64):
            columns = (column.to_pylist() for column in rows.slice(start, 64).columns)
            for file, row, index, text, probability in zip(*columns, strict=True):
                _add_distinct(found, _Candidate(probability, text, part, file, row, index))
            result = []
            for candidate in sorted([*kept, *found], key=lambda each: -each.probability):
                _add_distinct(result, candidate)
            del result[self._each :]
            # Those that follow are less probable than the last one of the slice.
            if len(result) == self._each and result[-1].probability >= probability:
                break
        return result

    def in_context(self, output: JobOutput, details: Sequence[str] = ()) -> list[Telling]:
        """The sentences, by topic, stance and falling probability, read again with neighbours.

        Only the parts that hold them are read.
        """
        parts: dict[Path, list[_Candidate]] = defaultdict(list)
        for candidates in self._best.values():
            for candidate in candidates:
                parts[candidate.part].append(candidate)
        texts: dict[tuple[str, int, int], str] = {}
        seen: dict[tuple[str, int], tuple[str, ...]] = {}
        for part, candidates in sorted(parts.items()):
            for place, text, values in _neighbours(output, part, candidates, details):
                texts[place] = text
                seen[place[:2]] = values
        result = []
        for (topic, stance), candidates in self._best.items():
            for each in candidates:
                before, after = (
                    texts.get((each.file, each.row, each.index + step), "") for step in (-1, 1)
                )
                result.append(
                    Telling(
                        *(topic, stance, each.probability, before, each.text, after),
                        *(each.file, each.row, seen[each.file, each.row]),
                    )
                )
        return result


def _add_distinct(found: list[_Candidate], new: _Candidate) -> None:
    words = new.text.lower().split()
    for known in found:
        if (known.file, known.row) == (new.file, new.row) or known.text.lower().split() == words:
            return
    found.append(new)


def _neighbours(
    output: JobOutput, part: Path, candidates: Sequence[_Candidate], details: Sequence[str]
) -> Iterator[tuple[tuple[str, int, int], str, tuple[str, ...]]]:
    """Place, text and details of the candidates of a part and of the sentences around them."""
    import pyarrow as pa
    import pyarrow.compute as pc

    wanted = pa.array(sorted({each.row for each in candidates}), pa.int64())
    places = {
        (each.file, each.row, each.index + step) for each in candidates for step in (-1, 0, 1)
    }
    for _, batch in output.batches([*_PLACE, "sentence", *details], parts=[part]):
        rows = batch.filter(pc.is_in(batch.column("source_row"), wanted))
        for row in rows.to_pylist():
            place = (row["source_file"], row["source_row"], row["sentence_index"])
            if place in places:
                values = (row[name] for name in details)
                shown = tuple("" if value is None else str(value) for value in values)
                yield place, row["sentence"], shown
