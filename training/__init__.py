"""Train, evaluate and describe models.

:mod:`~framing.training.config` says what a run does,
:mod:`~framing.training.data` and :mod:`~framing.training.splits` prepare labels,
:mod:`~framing.training.trainer` fits one model, :mod:`~framing.training.run` makes
a model folder, :mod:`~framing.training.metrics` and
:mod:`~framing.training.evaluation` measure, :mod:`~framing.training.baseline` is what
a model has to beat, :mod:`~framing.training.card` writes it all down.
"""
