"""The intermediate representation: graphs, tensors, and the contract of an operator."""
