"""Dilated convolutions as some converters write them: between SPACE_TO_BATCH_ND and its inverse.

Every ``block``-th row and column of the padded image are an image of a batch, all are convolved,
and the results are put together again: a dilation by ``block``.
"""

import math
from dataclasses import replace

import numpy as np
import tflite

from ...errors import UserError
from ..graph import Layer
from .file import File, Operator
from .operator import Site

__all__ = ["dilate", "refuse_batches"]

CONVOLUTIONS = {"CONV_2D", "DEPTHWISE_CONV_2D"}


def dilate(file: File) -> list[Operator | None]:
    """Return the operators with dilated convolutions for such three, two of which become None."""
    operators: list[Operator | None] = list(file.operators)
    readers: dict[int, list[int]] = {}
    for number, operator in enumerate(file.operators):
        for index in operator.inputs:
            readers.setdefault(index, []).append(number)
    for number, first in enumerate(file.operators):
        chain = [first]
        while len(chain) < 3 and len(chain[-1].outputs) == 1:
            [between] = chain[-1].outputs
            follow = readers.get(between, [])
            if len(follow) != 1 or between in file.outputs:
                break
            chain.append(file.operators[follow[0]])
        if len(chain) == 3 and (dilated := dilated_convolution(file, chain)):
            operators[number] = operators[readers[chain[1].outputs[0]][0]] = None
            operators[readers[first.outputs[0]][0]] = dilated
    return operators


def dilated_convolution(file: File, chain: list[Operator]) -> Operator | None:
    """Return the one convolution that three operators are, if they are one."""
    before, convolution, after = chain
    options = convolution.options
    plain = [options.get(name, 1) for name in ("StrideH", "StrideW", "DilationHFactor",
                                               "DilationWFactor")]
    if (before.code, after.code) != ("SPACE_TO_BATCH_ND", "BATCH_TO_SPACE_ND") or \
            convolution.code not in CONVOLUTIONS or plain != [1] * 4 or \
            options.get("Padding") != tflite.Padding.VALID or \
            convolution.inputs[0] != before.outputs[0] or len(after.outputs) != 1 or \
            not all(len(each.inputs) == 3 and min(each.inputs) >= 0 for each in (before, after)):
        return None
    for each in (before, after):
        source, target = file.tensors[each.inputs[0]], file.tensors[each.outputs[0]]
        if not (np.array_equal(source.scales, target.scales)
                and np.array_equal(source.zero_points, target.zero_points)):
            return None
    constants = [file.tensors[index] for each in (before, after) for index in each.inputs[1:]]
    if not all(each.type == "INT32" and each.data is not None and each.plain
               and each.shape == shape and len(each.data) == 4 * math.prod(shape)
               for each, shape in zip(constants, ((2,), (2, 2)) * 2, strict=True)):
        return None
    values = [np.frombuffer(each.data, "<i4") for each in constants if each.data is not None]
    around = values[1].astype(np.int64) - values[3]
    if np.any(values[0] != values[2]) or np.any(values[0] < 1) or np.any(around < 0):
        return None
    return replace(convolution, inputs=(before.inputs[0], *convolution.inputs[1:]),
                   outputs=after.outputs,
                   options=options | {"DilationHFactor": int(values[0][0]),
                                      "DilationWFactor": int(values[0][1])},
                   vectors=convolution.vectors | {"Around": tuple(around.tolist())})


def refuse_batches(site: Site) -> list[Layer]:
    """SPACE_TO_BATCH_ND or BATCH_TO_SPACE_ND elsewhere."""
    raise UserError("it is not part of a dilated convolution: hwgen runs a SPACE_TO_BATCH_ND, a "
                    "CONV_2D or DEPTHWISE_CONV_2D of stride 1 with VALID padding, and a "
                    "BATCH_TO_SPACE_ND of the same blocks as one")
