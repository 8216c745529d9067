"""Signatures of a .tflite file: names for the ends of its graph."""

from __future__ import annotations

from dataclasses import replace

from tinycomp.frontend._tflite_file import Signature, TfliteFile


def own_signatures(file: TfliteFile) -> tuple[TfliteFile, tuple[str, ...]]:
    """The file without signatures of other tensors than the ends of its only graph, and a note on
    each. Converters that append to a finished file leave such ones behind; interpreters on
    microcontrollers read none.
    """
    if len(file.subgraphs) > 1:
        return file, ()
    strange = [each for each in file.signatures if not _is_own(file, each)]
    left = tuple(each for each in file.signatures if each not in strange)
    notes = tuple(
        f"The signature {each.key!r} reads tensors {[*each.inputs]} and returns tensors "
        f"{[*each.outputs]}; the graph itself reads {[*file.inputs]} and returns "
        f"{[*file.outputs]}: these are built. If the signature is meant, export it alone."
        for each in strange
    )
    return replace(file, signatures=left), notes


def _is_own(file: TfliteFile, signature: Signature) -> bool:
    same = {*signature.inputs} == {*file.inputs} and {*signature.outputs} == {*file.outputs}
    return signature.subgraph == 0 and same
