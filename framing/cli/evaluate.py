"""``framing evaluate``: a model, or a way of training one, against annotated sentences."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from framing.cli.classify import DeviceOption, ModelOption
from framing.cli.labels import ColumnOption, hinting, named_columns
from framing.cli.train import ConfigOption, CorporaOption, WithoutOption
from framing.labels.errors import FramingError

MODEL_HINT = "for topics of your own, give your model by --model"


def evaluate(
    # A string, since Path("./reports") is "reports", the name of packaged labels.
    file: Annotated[str, typer.Argument(help="Annotated sentences, in any format that is read.")],
    model: ModelOption = "default",
    device: DeviceOption = "auto",
    threshold: Annotated[float | None, typer.Option(min=0, max=1)] = None,
    leave_one_article_out: Annotated[
        bool,
        typer.Option(
            "--leave-one-article-out",
            help="Train anew for each document, on all the rest, and score it; "
            "beside it a TF-IDF baseline on the same folds.",
        ),
    ] = False,
    config: ConfigOption = None,
    column: ColumnOption = None,
    corpora: CorporaOption = None,
    without: WithoutOption = None,
    card: Annotated[
        Path | None,
        typer.Option(help="With --leave-one-article-out: add the figures to this model's card."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="With --card: make a card anew that was edited.")
    ] = False,
) -> None:
    """Measure a model on annotated sentences."""
    columns = named_columns(column or [])
    if leave_one_article_out:
        if (model, device, threshold) != ("default", "auto", None):
            raise FramingError(
                "--model, --device and --threshold do not go with --leave-one-article-out, which "
                "trains models of its own; --config says how"
            )
        _leave_one_out(file, columns, config, corpora, without or [], card, force=force)
    elif config or without or card or force:
        raise FramingError("--config, --without, --card and --force need --leave-one-article-out")
    else:
        _evaluate(file, columns, model, device, threshold, corpora)


def _evaluate(
    file: str,
    columns: dict[str, str],
    model: str,
    device: str,
    threshold: float | None,
    corpora: Path | None,
) -> None:
    from framing.classifier import Classifier
    from framing.cli.tables import print_labels, print_scores
    from framing.training.checks import annotated_twice
    from framing.training.config import load_config
    from framing.training.data import load_records, texts_of
    from framing.training.evaluation import score

    classifier = Classifier.from_pretrained(model, device=device)
    candidates = load_config(None).corpora
    with hinting(MODEL_HINT if model == "default" else None):
        records = load_records(
            [file], classifier.schema, corpora=corpora, candidates=candidates, columns=columns
        )
    for error in annotated_twice(records):
        raise FramingError(f"{file}: {error}")
    scores = score(
        model,
        classifier.probabilities(texts_of(records)),
        records,
        classifier.schema,
        thresholds=classifier.rule.thresholds if threshold is None else threshold,
    )
    print_scores([scores], title=file)
    print_labels(scores)
    typer.echo(
        "If the model was trained on these sentences, as the shipped one was on all packaged "
        "labels, these figures flatter it; --leave-one-article-out measures without that."
    )


def _leave_one_out(
    file: str,
    columns: dict[str, str],
    config: Path | None,
    corpora: Path | None,
    without: list[str],
    card: Path | None,
    *,
    force: bool,
) -> None:
    from framing.cli.tables import print_labels, print_scores
    from framing.labels.schema import load_schema
    from framing.training.card import check_card, write_card
    from framing.training.config import load_config
    from framing.training.data import load_records
    from framing.training.report import read_report
    from framing.training.run import leave_one_document_out

    report = read_report(card) if card else None
    if card and report and not force:
        check_card(report, card)
    settings = load_config(config)
    schema = load_schema(settings.label_schema)
    read = partial(load_records, schema=schema, corpora=corpora, candidates=settings.corpora)
    measured = read([file], columns=columns, beside=settings.labels)
    records = read(settings.labels, without=without)
    scores = leave_one_document_out(measured, records, schema, settings, progress=True)
    print_scores(scores, title=f"{file}, each document left out in turn")
    print_labels(scores[0])
    if card and report:
        write_card(replace(report, left_out=scores, left_out_file=file), card)
        typer.echo(f"Added to the card in {card}")
