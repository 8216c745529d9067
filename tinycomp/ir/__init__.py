"""The intermediate representation: data, and the operator's contract."""
