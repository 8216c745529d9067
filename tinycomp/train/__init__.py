"""Training under constraints: converts a float Graph to a Keras model, and back after training.

model = trainable(graph, [Prune(0.9), Int8()])      # a keras.Model
model.compile(...); model.fit(...)                  # with any data pipeline
graph = finish(model)                               # the float Graph with the trained constants
"""

from tinycomp.train.model import finish, trainable

__all__ = ["finish", "trainable"]
