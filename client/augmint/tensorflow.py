"""Synthetic samples in TensorFlow and Keras. `pip install 'augmint[tensorflow]'`, unless it is there."""

from __future__ import annotations

from typing import Any

from augmint import extras
from augmint.arrays import ArrayStream


def dataset(stream: ArrayStream) -> Any:
    """A tf.data.Dataset of the stream's batches: (its dtype [batch, *shape], int64 [batch]).

        stream = ArrayStream("localhost:50051", batch_size=256, length=60_000, seed=7)
        model.fit(dataset(stream).map(lambda images, labels: (images / 255, labels)))

    Rows of a table are raw: float32 [batch, columns], categories by index, NaN where a value is missing.

    The stream fetches ahead by itself. Every pass begins where the stream stands, because Keras looks at a first batch
    before it trains: with a length all epochs see the same samples, as with a data set on disk. For new samples in
    every epoch leave the length out and give Keras `steps_per_epoch`. Close the stream when done.
    raises: MissingExtra without TensorFlow.
    """
    tf = extras.load("tensorflow", "tensorflow")
    description = stream.description
    signature = (
        tf.TensorSpec((None, *description.shape), tf.as_dtype(description.dtype.newbyteorder("="))),
        tf.TensorSpec((None,), tf.int64),
    )
    made = tf.data.Dataset.from_generator(stream.again, output_signature=signature)
    try:
        steps = len(stream)
    except TypeError:
        steps = tf.data.INFINITE_CARDINALITY
    return made.apply(tf.data.experimental.assert_cardinality(steps))
