"""``framing suggest``: the sentences of a pool that are worth annotating next."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from framing.cli.classify import DeviceOption, ModelOption
from framing.cli.evaluate import MODEL_HINT
from framing.cli.labels import ColumnOption, hinting, named_columns

if TYPE_CHECKING:
    from framing.classifier import Classifier
    from framing.labels.records import Record
    from framing.training.suggest import Probabilities, Suggestion


def suggest(
    pool: Annotated[
        list[str],
        typer.Argument(
            metavar="POOL...", help="Files of text without labels, as 'framing batch' reads them."
        ),
    ],
    output: Annotated[Path, typer.Option(help="File to write, for annotators.")],
    model: ModelOption = "default",
    count: Annotated[int, typer.Option("--n", min=1, help="How many sentences.")] = 50,
    random: Annotated[
        int,
        typer.Option(min=0, help="How many of them by chance: they can measure a model, too."),
    ] = 0,
    labels: Annotated[
        list[Path] | None,
        typer.Option(help="What has been annotated: left out, and teaches a second opinion."),
    ] = None,
    to: Annotated[
        str | None, typer.Option("--format", help="As in 'framing labels export'; else by ending.")
    ] = None,
    column: ColumnOption = None,
    text_column: Annotated[
        str, typer.Option(help="Column of the pool with the text; --column is for --labels.")
    ] = "text",
    lines: Annotated[
        bool, typer.Option("--lines", help="Every line of a text file is a text.")
    ] = False,
    split: Annotated[bool, typer.Option(help="--no-split takes each text as one sentence.")] = True,
    limit: Annotated[
        int, typer.Option(min=1, help="Look at no more sentences, drawn by chance.")
    ] = 20_000,
    seed: Annotated[int, typer.Option(help="Of everything drawn by chance.")] = 13,
    device: DeviceOption = "auto",
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file.")] = False,
) -> None:
    """Choose sentences to annotate by the model's doubt, disagreement and variety."""
    from framing.classifier import Classifier
    from framing.labels.formats import write_labels
    from framing.labels.formats.detection import check_name, format_to_write
    from framing.labels.formats.output import check_output
    from framing.labels.formats.registry import format_named
    from framing.training.pool import draw, read_pool
    from framing.training.suggest import suggest as choose

    # What is wrong with the output must not come out after minutes of work.
    kind = format_named(to or format_to_write(output))
    check_name(output, kind.value)
    check_output(output, force=force)
    classifier = Classifier.from_pretrained(model, device=device)
    with hinting(MODEL_HINT if model == "default" else None):
        known = _known(labels or [], classifier, named_columns(column or []))
    done = {(record.text or "").strip() for record in known}
    found = [
        record
        for record in read_pool(pool, text_column=text_column, lines=lines, split=split)
        if record.text not in done
    ]
    records = draw(found, limit, seed=seed)
    texts = [record.text or "" for record in records]
    probabilities = classifier.probabilities(texts)
    chosen = choose(
        texts,
        probabilities,
        count=count,
        second=_second(known, texts, classifier),
        random=random,
        seed=seed,
    )
    write_labels(
        [
            replace(records[each.index], chosen_by="chance" if each.random else "model")
            for each in chosen
        ],
        output,
        classifier.schema,
        format=kind,
        force=force,
        annotated=False,
    )
    _print(chosen, records)
    typer.echo(f"{len(chosen)} of {len(records):,} sentences: {output}")
    if random:
        typer.echo(
            f"{random} of them were drawn by chance and are marked so (chosen_by: chance); only "
            "these can measure a model, since the others are harder than text is"
        )


def _known(files: list[Path], classifier: Classifier, columns: dict[str, str]) -> list[Record]:
    from framing.labels.formats import read_labels

    return [
        record
        for file in files
        for record in read_labels(file, classifier.schema, columns=columns).records
        if record.text
    ]


def _second(known: list[Record], texts: list[str], classifier: Classifier) -> Probabilities | None:
    """What a TF-IDF model on the same labels says, if there are any."""
    if not known:
        return None
    from framing.training.baseline import TfidfBaseline

    return TfidfBaseline(known, classifier.schema).probabilities(texts)


def _print(chosen: tuple[Suggestion, ...], records: list[Record]) -> None:
    for each in chosen[:5]:
        text = " ".join((records[each.index].text or "").split())
        typer.echo(f"  doubt {each.doubt:.2f}, disagreement {each.disagreement:.2f}: {text[:90]}")
