"""Topics, their stance targets, and the stances: what a model can say.

A schema is one YAML file (``schema.yaml`` beside this module is ours) and is
stored inside every model, so that code never names a topic.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from framing.labels.errors import SchemaError

ABSENT = "absent"
"""The class that says that a sentence is not about the topic."""

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=64)]
Prose = Annotated[str, Field(min_length=1)]


class Topic(BaseModel):
    """What a sentence can be about, and the proposition a stance refers to."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: Name
    title: Prose
    definition: Prose
    target: Prose


class StanceLabel(BaseModel):
    """One way in which a sentence can stand towards a topic's target."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: Name
    definition: Prose


class Schema(BaseModel):
    """Topics and stances, in the order of the model's outputs.

    Class 0 of every topic is :data:`ABSENT`; class ``k`` is ``stances[k - 1]``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    topics: tuple[Topic, ...] = Field(min_length=1)
    stances: tuple[StanceLabel, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_are_unique(self) -> Schema:
        for kind, names in (("topics", self.topic_names), ("stances", self.stance_names)):
            double = sorted({name for name in names if names.count(name) > 1})
            if double:
                raise ValueError(f"{kind}: the name {double[0]!r} is used more than once")
        if ABSENT in self.stance_names:
            raise ValueError(f"stances: the name {ABSENT!r} is reserved")
        return self

    @property
    def topic_names(self) -> tuple[str, ...]:
        return tuple(topic.name for topic in self.topics)

    @property
    def stance_names(self) -> tuple[str, ...]:
        return tuple(stance.name for stance in self.stances)

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes of each topic's softmax, ``absent`` first."""
        return (ABSENT, *self.stance_names)

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
        return None


def load_schema(path: str | Path | None = None) -> Schema:
    """Read a schema from a YAML file, by default the one of this project.

    Raises:
        SchemaError: The file is missing, is not YAML, or a key is wrong; the
            message names file and key.
    """
    import yaml  # classifying needs none

    source = Path(str(resources.files(__package__) / "schema.yaml")) if path is None else Path(path)
    try:
        content = yaml.safe_load(source.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SchemaError(f"{source}: cannot be read: {error}") from error
    except yaml.YAMLError as error:
        raise SchemaError(f"{source}: is not valid YAML: {_one_line(str(error))}") from error
    return parse_schema(content, where=str(source))


def parse_schema(content: Any, *, where: str) -> Schema:
    """Validate a schema that is already in memory; ``where`` goes into errors.

    Raises:
        SchemaError: With the key of the first thing that is wrong.
    """
    if not isinstance(content, dict):
        raise SchemaError(f"{where}: a schema has the keys 'topics' and 'stances', got {content!r}")
    try:
        return Schema.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        message = first["msg"].removeprefix("Value error, ")
        raise SchemaError(f"{where}: {key + ': ' if key else ''}{message}") from error


def _one_line(text: str) -> str:
    return " ".join(text.split())
