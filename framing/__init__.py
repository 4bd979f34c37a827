"""Tag the sentences of news text by topic and by stance.

>>> from framing import classify
>>> document = classify("The last trucks left the garrison on Sunday.")
>>> document.sentences[0].tags[0].topic
'military_bases'

Importing this package loads neither torch nor transformers; the model is
loaded at the first call.
"""

from framing.classifier import Classifier, classify
from framing.results import Document, Sentence, Tag

__version__ = "0.1.0"

__all__ = ["Classifier", "Document", "Sentence", "Tag", "__version__", "classify"]
