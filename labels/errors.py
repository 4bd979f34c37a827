"""The errors that framing raises for input it cannot use.

All derive from :class:`FramingError`, so a caller can catch every expected
failure with one name; the command line prints them as one line and exits 2.
"""


class FramingError(ValueError):
    """Something given to framing is wrong; the message says what and where."""


class SchemaError(FramingError):
    """A schema file or a schema inside a model is malformed."""


class LabelsError(FramingError):
    """An annotation file is malformed, or a label is not in the schema.

    Attributes:
        other_topics: Whether topics are missing or unknown: the file may be for another schema.
    """

    def __init__(self, message: str, *, other_topics: bool = False) -> None:
        super().__init__(message)
        self.other_topics = other_topics


class CorpusError(FramingError):
    """The text of a standoff record cannot be found on this machine."""
