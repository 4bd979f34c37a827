"""Topics, their stance targets, and the stances: what a model can say.

A schema is one YAML file (``schema.yaml`` beside this module is ours) and is
stored inside every model, so that code never names a topic.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from importlib import resources
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
    model_validator,
)

from framing.labels.errors import SchemaError

ABSENT = "absent"
"""The class that says that a sentence is not about the topic."""

MENTIONED = "mentioned"
"""The one stance of a schema that names none: the sentence is about the topic."""

NO_TARGET = "None: the topic is found, or not; there is no stance to take."
"""The target of a topic with one stance, where the schema names none."""

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=64)]
Prose = Annotated[str, Field(min_length=1)]


class _Entry(BaseModel):
    """A topic or a stance; keys left out of the file are left out of the dump, too."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    @model_serializer(mode="wrap")
    def _without_missing_keys(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {key: value for key, value in dump(self).items() if value is not None}


class Topic(_Entry):
    """What a sentence can be about, and the proposition a stance refers to.

    Attributes:
        stances: Names of the stances that apply to the topic; ``None`` for all. Their order
            says nothing: see :meth:`Schema.stances_of`.
    """

    name: Name
    title: Prose
    definition: Prose
    target: Prose
    stances: Annotated[tuple[Name, ...], Field(strict=False, min_length=1)] | None = None


class StanceLabel(_Entry):
    """One way in which a sentence can stand towards a topic's target.

    Attributes:
        title: What people call it, where that is not its name.
    """

    name: Name
    title: Prose | None = None
    definition: Prose


class Schema(BaseModel):
    """Topics and stances, in the order of the model's outputs.

    Class 0 of every topic is :data:`ABSENT`; class ``k`` is ``stances[k - 1]``. A topic may
    name the stances that apply to it; the model never gives it another.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    topics: tuple[Topic, ...] = Field(min_length=1)
    stances: tuple[StanceLabel, ...] = Field(min_length=1)

    @model_validator(mode="before")
    @classmethod
    def _topics_alone(cls, content: Any) -> Any:
        return _with_implied(content) if isinstance(content, dict) else content

    @model_validator(mode="after")
    def _names_agree(self) -> Schema:
        topics = [(topic.name, topic.stances or ()) for topic in self.topics]
        for problem in _disagreements(topics, self.stance_names):
            raise ValueError(problem)
        return self

    @property
    def topic_names(self) -> tuple[str, ...]:
        return tuple(topic.name for topic in self.topics)

    @property
    def stance_names(self) -> tuple[str, ...]:
        return tuple(stance.name for stance in self.stances)

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes of the model's outputs, ``absent`` first; see also :meth:`classes_of`."""
        return (ABSENT, *self.stance_names)

    def stances_of(self, topic: str) -> tuple[str, ...]:
        """The stances that apply to a topic, in the schema's order.

        Raises:
            KeyError: The schema has no such topic.
        """
        for one in self.topics:
            if one.name == topic:
                names = self.stance_names
                return names if one.stances is None else tuple(n for n in names if n in one.stances)
        raise KeyError(topic)

    def classes_of(self, topic: str) -> tuple[str, ...]:
        """``absent`` and the stances that apply to a topic (see :meth:`stances_of`)."""
        return (ABSENT, *self.stances_of(topic))

    def problem_in(self, labels: object) -> str | None:
        """Say what is wrong with a ``{topic: stance}`` mapping, or ``None``."""
        if not isinstance(labels, dict):
            return f"labels must be an object like {{topic: stance}}, got {labels!r}"
        for topic, stance in labels.items():
            if topic not in self.topic_names:
                return f"unknown topic {topic!r}; the schema has {', '.join(self.topic_names)}"
            if stance not in self.stance_names:
                return (
                    f"unknown stance {stance!r} for topic {topic!r}; "
                    f"the schema has {', '.join(self.stance_names)}"
                )
            if stance not in self.stances_of(topic):
                return (
                    f"stance {stance!r} does not apply to topic {topic!r}; "
                    f"it has {', '.join(self.stances_of(topic))}"
                )
        return None


class MalformedSchemaError(SchemaError):
    """A schema is malformed; the message has the first problem and the number of others.

    Attributes:
        where: The file, or what else the schema is in.
        problems: All of them, each with the key of what is wrong.
    """

    def __init__(self, where: str, problems: Sequence[str]) -> None:
        self.where = where
        self.problems = tuple(problems)
        more = len(problems) - 1
        rest = f" (and {more} more problem{'s' if more > 1 else ''})" if more else ""
        super().__init__(f"{where}: {problems[0]}{rest}")


def load_schema(path: str | Path | None = None) -> Schema:
    """Read a schema from a YAML file, by default the one of this project.

    Raises:
        SchemaError: The file is missing, is not YAML, or a key is wrong or stands
            twice; the message names file and key.
    """
    import yaml  # classifying needs none

    source = Path(str(resources.files(__package__) / "schema.yaml")) if path is None else Path(path)
    try:
        content = _loaded(source.read_text(encoding="utf-8"), str(source))
    except FileNotFoundError as error:
        raise SchemaError(f"{source}: cannot be read: no such file") from error
    except OSError as error:
        raise SchemaError(f"{source}: cannot be read: {error.strerror or error}") from error
    except (UnicodeDecodeError, yaml.reader.ReaderError) as error:
        raise SchemaError(
            f"{source}: is not a YAML schema, nor any text in UTF-8; of a spreadsheet of labels, "
            "'framing schema init' makes a schema"
        ) from error
    except yaml.YAMLError as error:
        raise SchemaError(f"{source}: is not valid YAML: {_one_line(str(error))}") from error
    return parse_schema(content, where=str(source))


def parse_schema(content: Any, *, where: str) -> Schema:
    """Validate a schema that is already in memory; ``where`` goes into errors.

    Raises:
        MalformedSchemaError: With the keys of everything that is wrong.
        SchemaError: It is no mapping.
    """
    if not isinstance(content, dict):
        raise SchemaError(
            f"{where}: a schema has the keys 'topics' and 'stances', got {_short(content)}"
        )
    try:
        return Schema.model_validate(content)
    except ValidationError as error:
        raise MalformedSchemaError(where, _problems(content, error)) from error


def _loaded(text: str, where: str) -> Any:
    """The content of YAML, of which no key stands twice: PyYAML would take the last, silently."""
    import yaml

    class Loader(yaml.SafeLoader):
        def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
            node = super().compose_mapping_node(anchor)
            seen = set()
            for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
                if key.value in seen:
                    line = key.start_mark.line + 1
                    raise SchemaError(f"{where}, line {line}: the key {key.value!r} stands twice")
                seen.add(key.value)
            return node

    loader = Loader(text)
    try:
        return loader.get_single_data()
    finally:
        loader.dispose()


def _with_implied(content: dict[str, Any]) -> dict[str, Any]:
    """The schema with what needs no saying where topics have no stances."""
    if content.get("stances") is None:
        definition = "The sentence is about the topic."
        content = {**content, "stances": [{"name": MENTIONED, "definition": definition}]}
    if not isinstance(content.get("topics"), list | tuple):
        return content
    topics = []
    for topic in content["topics"]:
        own = topic.get("stances") or content["stances"] if isinstance(topic, dict) else ()
        alone = len(_listed(own)) == 1 and "target" not in topic
        topics.append({**topic, "target": NO_TARGET} if alone else topic)
    return {**content, "topics": topics}


def _problems(content: dict[str, Any], error: ValidationError) -> list[str]:
    """Everything that is wrong: pydantic looks at names only where all keys are right."""
    found = []
    for one in error.errors():
        # pydantic counts a list's good entries alone, and so finds none where all are bad.
        empty = one["type"] != "too_short" or not one["input"]
        if one["loc"] and empty:
            key, own = ".".join(map(str, one["loc"])), _MESSAGES.get(one["type"])
            found.append(f"{key}: {own.format(_short(one['input'])) if own else one['msg']}")
    full = _with_implied(content)
    topics = [
        (topic.get("name"), _listed(topic.get("stances"))) for topic in _entries(full.get("topics"))
    ]
    stances = [stance.get("name") for stance in _entries(full.get("stances"))]
    return [*found, *_disagreements(topics, stances)]


_MESSAGES = {
    "string_pattern_mismatch": "{} is not a name: a to z, 0 to 9 and _, a letter first",
    "string_too_short": "is empty",
    "too_short": "is empty; name at least one",
    "string_type": "expected text, got {}; in YAML, put numbers and words like yes in quotes",
    "extra_forbidden": "unknown key",
    "tuple_type": "expected a list, got {}",
    "model_type": "expected keys and values, got {}",
}
"""By pydantic's type of error, what to say instead of what it says; with the input."""

_SHOWN = 100  # characters


def _short(value: object) -> str:
    """A value for people: of another file given as a schema, all of it would be here."""
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def _disagreements(
    topics: Iterable[tuple[object, Iterable[object]]], stances: Sequence[object]
) -> Iterator[str]:
    """What is wrong with names as such, given topics with the stances that they name."""
    topics = list(topics)
    for kind, names in (("topics", [name for name, _ in topics]), ("stances", list(stances))):
        for name in _double(names):
            yield f"{kind}: the name {name!r} is used more than once"
    if ABSENT in stances:
        yield f"stances: the name {ABSENT!r} is reserved"
    for index, (_, own) in enumerate(topics):
        names = list(own)
        for name in _double(names):
            yield f"topics.{index}.stances: {name!r} is named more than once"
        for name in names:
            if name not in stances:
                known = ", ".join(map(str, stances))
                yield f"topics.{index}.stances: unknown stance {name!r}; the schema has {known}"


def _double(names: Sequence[object]) -> list[object]:
    twice = [name for name in names if name is not None and names.count(name) > 1]
    return list({str(name): name for name in twice}.values())


def _entries(content: object) -> list[dict[str, Any]]:
    return [entry for entry in _listed(content) if isinstance(entry, dict)]


def _listed(content: object) -> list[Any]:
    return list(content) if isinstance(content, list | tuple) else []


def _one_line(text: str) -> str:
    return " ".join(text.split())
