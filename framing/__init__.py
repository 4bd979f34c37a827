"""Tag the sentences of news text by topic and by stance.

>>> from framing import classify
>>> document = classify("The last trucks left the garrison on Sunday.")
>>> document.sentences[0].tags[0].topic
'military_bases'

Importing this package loads neither torch nor transformers; the model is
loaded at the first call.
"""

import os

# In a checkout the subpackages labels, models and training lie beside this folder.
# Python started there finds this folder before the installed package.
_root = os.path.dirname(os.path.dirname(__file__))  # noqa: PTH120 - pathlib costs time
if os.path.isfile(os.path.join(_root, "labels", "schema.yaml")):  # noqa: PTH113, PTH118
    __path__.append(_root)

from framing.classifier import Classifier, classify
from framing.labels.errors import FramingError
from framing.results import Document, Sentence, Tag

__version__ = "0.1.0"

__all__ = ["Classifier", "Document", "FramingError", "Sentence", "Tag", "__version__", "classify"]
