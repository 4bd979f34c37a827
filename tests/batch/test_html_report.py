from __future__ import annotations

import json
import shutil
import subprocess
import sys
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path

import pytest
import typer
from job_output import Row, document_rows, make_schema, sentence_rows, write_output
from typer.testing import CliRunner

from framing.batch.html_report import write_report
from framing.batch.output import open_output
from framing.batch.telling import Telling, TellingSentences
from framing.cli.report import report as command
from framing.labels.errors import FramingError

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
STANCES = ("favor", "against", "neutral")
_CODE = "document.title='evil'"
EVIL = f'</script><script>{_CODE}</script><img src=x onerror="{_CODE}">\'"&'


def corpus(word: str = "plain") -> list[list[Row]]:
    """Two parts of twenty documents, five outlets, ten months."""
    parts: list[list[Row]] = [[], []]
    for number in range(40):
        stance = STANCES[number % 3]
        text = [
            (f"Before {number} {word}.", {}),
            (f"Told {number} {word}.", {"bases": stance, "aid": stance}),
            (f"After {number} {word}.", {}),
        ]
        parts[number // 20] += sentence_rows(
            text,
            number,
            probability=0.5 + number / 100,
            file=f"in {word}.csv",
            outlet=f"Outlet {number % 5} {word}",
            date=f"2024-{number % 10 + 1:02}-15" if number else word,
        )
    return parts


class Page(HTMLParser):
    """What a browser would make of a page: its elements, scripts and words."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.specs: list[str] = []
        self.words = ""
        self.marked: list[str] = []
        self._open = ""
        self.feed(path.read_text(encoding="utf-8"))
        self.words = " ".join(self.words.split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._open = tag
        if tag == "script":
            (self.specs if dict(attrs).get("type") else self.scripts).append("")

    def handle_endtag(self, tag: str) -> None:
        self._open = ""

    def handle_data(self, data: str) -> None:
        if self._open == "script":
            (self.specs if self.tags[-1][1].get("type") else self.scripts)[-1] += data
        elif self._open != "style":
            self.words += data + " "
        if self._open == "mark":
            self.marked.append(data)


def make(tmp_path: Path, parts: list[list[Row]], **options: object) -> Page:
    output = open_output(write_output(tmp_path / "o", parts, rejected=3, **options))  # type: ignore[arg-type]
    write_report(output, tmp_path / "r.html")
    return Page(tmp_path / "r.html")


def test_the_report_has_everything(tmp_path: Path) -> None:
    page = make(tmp_path, corpus())
    for words in (
        "Documents 40 Sentences 120 Rejected rows 3 Dates 2024-01-15 to 2024-10-15",
        "ab" * 32,
        "Read with care.",
        "3 sentences have no date that can be read (for example “plain”)",
        "Target: More bases.",
        "About aid.",
        "Is neutral.",
        "Outlet 4 plain",
        "Newcombe (1998",
    ):
        assert words in page.words, words
    assert len(page.specs) == 2 + 2 + 2
    assert all(json.loads(spec)["description"] for spec in page.specs)
    charts = [attributes for _, attributes in page.tags if attributes.get("class") == "chart"]
    assert all(chart["aria-label"] and chart["role"] == "img" for chart in charts)
    assert sum(tag == "table" for tag, _ in page.tags) == len(charts) == len(page.specs)


def test_nothing_is_loaded_and_only_our_scripts_may_run(tmp_path: Path) -> None:
    page = make(tmp_path, corpus())
    assert not [a for _, a in page.tags if {"src", "href", "srcset", "action"} & set(a)]
    (policy,) = [
        str(a["content"]) for _, a in page.tags if a.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert len(page.scripts) == 2
    for script in page.scripts:
        assert b64encode(sha256(script.encode()).digest()).decode() in policy


def test_hostile_text_stays_text(tmp_path: Path) -> None:
    schema = make_schema(*STANCES)
    evil = schema.topics[0].model_copy(update={"title": EVIL, "definition": EVIL, "target": EVIL})
    schema = schema.model_copy(update={"topics": (evil, schema.topics[1])})
    page = make(tmp_path, corpus(EVIL), schema=schema)
    assert len(page.scripts) == 2
    assert not [tag for tag, _ in page.tags if tag == "img"]
    assert page.marked[0] == f"Told 39 {EVIL}."
    assert "</script>" in str(json.loads(page.specs[-1])).replace("\\n", "")


def test_telling_sentences_stand_in_context(tmp_path: Path) -> None:
    found = telling(tmp_path, corpus(), each=2, details=("outlet", "date"))
    assert [(t.topic, t.stance, t.source_row) for t in found[:4]] == [
        ("bases", "favor", 39),
        ("bases", "favor", 36),
        ("bases", "against", 37),
        ("bases", "against", 34),
    ]
    assert found[0].probability == pytest.approx(0.89)
    assert (found[0].before, found[0].text, found[0].after) == (
        "Before 39 plain.",
        "Told 39 plain.",
        "After 39 plain.",
    )
    assert found[0].details == ("Outlet 4 plain", "2024-10-15")


def telling(
    tmp_path: Path, parts: list[list[Row]], *, each: int, details: tuple[str, ...] = ()
) -> list[Telling]:
    output = open_output(write_output(tmp_path / "telling", parts))
    best = TellingSentences(output.schema, each=each)
    for part, batch in output.batches(best.columns()):
        best.add(part, batch)
    return best.in_context(output, details)


def test_telling_sentences_are_of_different_documents_and_words(tmp_path: Path) -> None:
    favor = {"bases": "favor"}
    parts = [
        [
            *sentence_rows([("One.", favor), ("Two.", favor)], 0, probability=0.9),
            *sentence_rows([("Low.", favor)], 1, probability=0.5),
        ],
        # More copies of one report than are looked at in one go.
        [
            row
            for n in range(200)
            for row in sentence_rows([("The  wire.", favor)], n + 2, probability=0.8)
        ],
        [
            *sentence_rows([("the wire.", favor)], 300),
            *sentence_rows([("New.", favor)], 301, probability=0.6),
        ],
    ]
    found = telling(tmp_path, parts, each=3)
    assert [t.text for t in found] == ["One.", "the wire.", "New."]
    assert found[0].after == "Two."


def test_copies_of_telling_sentences_do_not_hide_others(tmp_path: Path) -> None:
    favor = {"bases": "favor"}

    def rows(*found: tuple[str, int, float]) -> list[Row]:
        return [
            row
            for text, place, probability in found
            for row in sentence_rows([(text, favor)], place, probability=probability)
        ]

    parts = [
        rows(("A.", 1, 0.99), ("B.", 2, 0.6), ("C.", 3, 0.5)),
        rows(("C.", 2, 0.95), ("A.", 9, 0.94), ("Other.", 1, 0.93), ("D.", 8, 0.92)),
    ]
    assert [t.text for t in telling(tmp_path, parts, each=3)] == ["A.", "C.", "D."]


def test_a_job_at_document_level_says_why_it_has_no_sentences(tmp_path: Path) -> None:
    parts = [document_rows(part) for part in corpus()]
    page = make(tmp_path, parts, level="document")
    assert "its output has no sentences" in page.words
    assert "Documents 40 Sentences 120" in page.words
    assert len(page.specs) == 6


def test_without_dates_sources_or_tags(tmp_path: Path) -> None:
    page = make(tmp_path, [sentence_rows([("Alone.", {})], 0)])
    assert "No column looks like a date" in page.words
    assert "No column looks like the source" in page.words
    assert page.words.count("No sentence.") == 6
    assert len(page.specs) == 2


def test_without_any_row_and_without_a_readable_date(tmp_path: Path) -> None:
    parts = [sentence_rows([("Alone.", {})], 0, date="soon", outlet="P")]
    page = make(tmp_path / "a", parts)
    assert "There is no date that can be read" in page.words
    folder = write_output(tmp_path / "o", parts, form="jsonl")
    next((folder / "data").glob("part-*")).write_text("")
    write_report(open_output(folder), tmp_path / "r.html")
    assert "Sentences 0" in Page(tmp_path / "r.html").words


def test_other_stances_and_many_sources(tmp_path: Path) -> None:
    schema = make_schema("yes", "perhaps", "no")
    text = [("It will.", {"aid": "yes"})]
    rows = [
        row
        for number in range(20)
        for row in sentence_rows(
            text, number, schema=schema, source=f"S{number}", date="9999-12-31"
        )
    ]
    page = make(tmp_path, [rows], schema=schema)
    assert "net stance" not in page.words
    assert "8 others" in page.words
    assert "Share of the tagged" in page.specs[-1]


def test_nothing_is_overwritten_and_a_missing_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = open_output(write_output(tmp_path / "o", corpus()))
    write_report(output, tmp_path / "r.html")
    with pytest.raises(FramingError, match="exists; overwrite it with --force"):
        write_report(output, tmp_path / "r.html")
    with pytest.raises(FramingError, match="cannot be written"):
        write_report(output, tmp_path / "no such folder" / "r.html")
    monkeypatch.setitem(sys.modules, "altair", None)
    with pytest.raises(FramingError, match=r"needs altair: pip install 'framing\[report\]'"):
        write_report(output, tmp_path / "r.html", force=True)


def test_command(tmp_path: Path) -> None:
    folder = write_output(tmp_path / "o", corpus())
    app = typer.Typer()
    app.command()(command)
    result = CliRunner().invoke(app, [str(folder), "--by", "source_file"])
    assert result.exit_code == 0, result.output
    assert "By source_file" in Page(folder / "report.html").words
    assert not list(folder.glob(".*"))
    result = CliRunner().invoke(app, [str(folder), "--by", "outlt", "--force"])
    assert "no column 'outlt'; there are outlet, date, source_file" in str(result.exception)
    for by in ("month", "outlet,month"):  # as for summarize
        result = CliRunner().invoke(app, [str(folder), "--by", by, "--force"])
        assert isinstance(result.exception, FramingError)
        assert str(result.exception).endswith("date, source_file; give one column")


def test_the_named_date_column_is_taken(tmp_path: Path) -> None:
    rows = sentence_rows([("Alone.", {})], 0, date="2024-01-15", published="2023-07-01", site="P")
    output = open_output(write_output(tmp_path / "o", [rows]))
    with pytest.raises(FramingError, match="choose one with --date-column"):
        write_report(output, tmp_path / "r.html", by="site")
    write_report(output, tmp_path / "r.html", by="site", date_column="published")
    assert "Dates 2023-07-01 to 2023-07-01" in Page(tmp_path / "r.html").words


PROBE = """
<body><iframe src="r.html" style="width:390px;height:900px"></iframe>
<iframe src="r.html" style="width:1280px;height:900px"></iframe><p id="found"></p><script>
setTimeout(() => {
  const found = [...document.querySelectorAll("iframe")].map((frame) => {
    const page = frame.contentDocument;
    return {
      charts: page.querySelectorAll(".chart svg").length,
      marks: page.querySelectorAll(".chart svg .mark-rect path").length,
      bars: page.querySelectorAll(".chart svg .mark-symbol path").length,
      failed: page.body.innerText.includes("cannot be drawn"),
      wide: page.documentElement.scrollWidth - frame.clientWidth,
      title: page.title,
    };
  });
  document.getElementById("found").textContent = JSON.stringify(found);
}, 4000);
</script></body>
"""


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")
def test_charts_are_drawn_and_fit_a_phone_and_a_desktop(tmp_path: Path) -> None:
    assert CHROMIUM is not None
    make(tmp_path, corpus(EVIL))
    (tmp_path / "probe.html").write_text(PROBE)
    result = subprocess.run(
        [
            *(CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic"),
            *("--no-first-run", "--disable-background-networking", "--disable-component-update"),
            *("--disable-sync", "--allow-file-access-from-files", "--virtual-time-budget=8000"),
            *(f"--user-data-dir={tmp_path / 'browser'}", "--dump-dom"),
            (tmp_path / "probe.html").as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    text = result.stdout.split('<p id="found">')[1].split("</p>")[0]
    for found in json.loads(text):
        assert found["charts"] == 6, found
        assert found["marks"] > 20, found
        assert found["bars"] > 5, found
        assert not found["failed"], found
        assert found["wide"] <= 0, found
        assert found["title"] == "Topics and stances: o"
