"""tf.data: batches from the file into Keras, in memory for a few of them: python examples/with_tf_data.py data.h5"""

import sys

import keras
import tensorflow as tf

import pseudoexp

train = pseudoexp.load(sys.argv[1], "train")
kinds = (tf.TensorSpec((None, 39), tf.float32), tf.TensorSpec((None,), tf.int8), tf.TensorSpec((None,), tf.float64))
blocks = tf.data.Dataset.from_generator(lambda: ((b.data, b.target, b.weight) for b in train.batches(10_000)),
                                        output_signature=kinds)
rows = blocks.rebatch(500).shuffle(20, seed=1).prefetch(tf.data.AUTOTUNE)
scale = keras.layers.Normalization()
scale.adapt(rows.map(lambda data, target, weight: data))
model = keras.Sequential([scale, keras.layers.Dense(32, "relu"), keras.layers.Dense(1, "sigmoid")])
model.compile("adam", "binary_crossentropy", weighted_metrics=["AUC"])
model.fit(rows, epochs=2, verbose=2)
