"""The schema, the annotated data, and the code that reads and checks them.

Import what you need from the modules: :mod:`framing.labels.schema`,
:mod:`framing.labels.records`, :mod:`framing.labels.corpora`,
:mod:`framing.labels.counts`. This package imports nothing else of framing.
"""
