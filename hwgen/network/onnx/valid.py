"""Whether a file is valid ONNX: what hwgen reads of it, others must be able to run.

The reader looks at what it needs. Attributes that an operator does not have, types that do not fit
and the like are for the onnx package to find, which knows every version of every operator.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...errors import UserError
from ...tools.untrusted import read_toml
from .file import QONNX, type_name

__all__ = ["check"]

LARGEST_CONSTANT = 1 << 10
"""Bytes of a constant that may say a shape; others are left out when types are compared."""

FIELDS = {1: "f", 2: "i", 3: "s", 4: "t", 5: "g", 6: "floats", 7: "ints", 8: "strings",
          9: "tensors", 10: "graphs"}
INTEGERS = (2, 3)
MICROSOFTS = "com.microsoft"
"""The domain of ONNX Runtime's own operators."""

MICROSOFT = read_toml(Path(__file__).with_name("microsoft.toml"))
"""Inputs and attributes of these operators."""


NEEDED = {"QGemm": (0, 1, 2, 3, 4, 5), "QLinearGlobalAveragePool": (0, 1, 2, 3, 4),
          "QLinearSoftmax": (0, 1, 3, 4)}
"""Inputs of them that may not be left out, zero points included."""

Known = Mapping[str, tuple[int, tuple[int, ...]]]


def check(model: Any, name: str, known: Known) -> None:
    """Refuse a model that ONNX Runtime refuses, for what the reader did not look at.

    ``known`` are types and shapes of tensors that the reader has found.
    """
    import onnx

    opsets = {opset.version for opset in model.opset_import if opset.domain in ("", "ai.onnx")}
    if len(opsets) != 1:
        raise UserError(f"{name} must say of which one opset its operators are (opset_import), not "
                        + (" and ".join(map(str, sorted(opsets))) or "nothing"))
    if not 0 < model.ir_version <= onnx.IR_VERSION:
        raise UserError(f"{name} is of version {model.ir_version} of the format; the onnx package "
                        f"that is installed reads 1 to {onnx.IR_VERSION}")
    (opset,) = opsets
    if not 0 < opset <= onnx.defs.onnx_opset_version():
        raise UserError(f"{name} is of opset {opset}; the onnx package that is installed knows 1 "
                        f"to {onnx.defs.onnx_opset_version()}")
    for other in model.opset_import:
        if other.version < 1 or (other.domain == MICROSOFTS and other.version != 1):
            raise UserError(f"{name} has opset {other.version} of the domain {other.domain!r}, "
                            "which there is not; 1 is what operators of ONNX Runtime are of")
    context = onnx.checker.C.CheckerContext()
    context.ir_version, context.opset_imports = model.ir_version, {"": opset}
    seen: set[str] = set()
    for node in model.graph.node:
        if node.name and node.name in seen:
            raise UserError(f"{name} has two nodes of the name {node.name!r}, which runtimes "
                            "refuse; give each another, or none")
        seen.add(node.name)
        at = f"node {node.name or next(iter(node.output), '')!r} ({node.op_type}) of {name}"
        if node.domain == MICROSOFTS:
            operator = MICROSOFT.get(node.op_type, {"inputs": 0, "attributes": {}})
            inputs, attributes = operator["inputs"], operator["attributes"]
            if len(node.input) > inputs or len(node.output) > 1:
                raise UserError(f"{at} has {len(node.input)} inputs and {len(node.output)} outputs,"
                                f" where its operator has at most {inputs} and 1")
            for index in NEEDED.get(node.op_type, ()):
                if index >= len(node.input) or not node.input[index]:
                    raise UserError(f"{at} lacks its input {index}")
            for attribute in node.attribute:
                filled = {field.name for field, _ in attribute.ListFields()} & set(FIELDS.values())
                kind = FIELDS.get(attribute.type, "")
                if attributes.get(attribute.name) != kind or filled - {kind}:
                    raise UserError(f"{at} has an attribute {attribute.name!r} that its operator "
                                    "lacks, or has of another type")
        elif node.domain in ("", "ai.onnx") and node.op_type not in QONNX:
            _valid(at, lambda node=node: onnx.checker.check_node(_plain_node(node), context))
    _types(model, name, known)


def _plain_node(node: Any) -> Any:
    """Return a node in the one spelling of ONNX's own domain."""
    if not node.domain:
        return node
    plain = type(node)()
    plain.CopyFrom(node)
    plain.domain = ""
    return plain


def _types(model: Any, name: str, known: Known) -> None:
    """Compare the types that the file declares with those that its operators give."""
    import onnx

    # Of what nodes of other domains write only the reader knows anything, and of large constants
    # nothing is needed.
    bare = onnx.ModelProto(ir_version=model.ir_version)
    bare.opset_import.extend(o for o in model.opset_import if o.domain not in ("", "ai.onnx"))
    bare.opset_import.append(onnx.helper.make_opsetid("", max(
        o.version for o in model.opset_import if o.domain in ("", "ai.onnx"))))
    bare.graph.name = "types"
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    for port in model.graph.input:
        if port.name in constants:
            _check_same(port, constants[port.name], name)
    bare.graph.input.extend(port for port in model.graph.input if port.name not in constants)
    for tensor in model.graph.initializer:
        if tensor.ByteSize() <= LARGEST_CONSTANT:
            bare.graph.initializer.append(tensor)
        else:
            bare.graph.input.append(onnx.helper.make_tensor_value_info(
                tensor.name, tensor.data_type, list(tensor.dims)))
    for node in model.graph.node:
        if node.domain in ("", "ai.onnx") and node.op_type not in QONNX:
            bare.graph.node.append(_plain_node(node))
        elif node.output:
            code, shape = known.get(node.output[0], (1, None))
            bare.graph.input.append(onnx.helper.make_tensor_value_info(
                node.output[0], code or 1, shape))
    bare.graph.output.extend(onnx.ValueInfoProto(name=port.name) for port in model.graph.output)
    inferred = _valid(name, lambda: onnx.shape_inference.infer_shapes(
        bare, check_type=True, strict_mode=True))
    types = {port.name: port.type.tensor_type.elem_type
             for port in (*inferred.graph.value_info, *inferred.graph.output)}
    types |= {edge: code for edge, (code, _) in known.items() if code in INTEGERS}
    for port in (*model.graph.output, *model.graph.value_info):
        declared, found = port.type.tensor_type.elem_type, types.get(port.name, 0)
        if port.type.HasField("tensor_type") and not declared:
            raise UserError(f"{name} says that {port.name!r} is a tensor, and not of which type")
        if declared and found and declared != found:
            raise UserError(f"{name} says that {port.name!r} is {type_name(declared)}, and its "
                            f"operators make it {type_name(found)}")


def _check_same(port: Any, constant: Any, name: str) -> None:
    """Hold what a file says of a constant, which may be among its inputs, against the constant."""
    declared = port.type.tensor_type
    sizes = [dim.dim_value if dim.HasField("dim_value") else -1 for dim in declared.shape.dim]
    fits = len(sizes) == len(constant.dims) and all(
        said in (-1, size) for said, size in zip(sizes, constant.dims, strict=True))
    if declared.elem_type != constant.data_type or declared.HasField("shape") and not fits:
        raise UserError(f"{name} says that the constant {port.name!r} is "
                        f"{type_name(declared.elem_type)} {sizes}, and it is "
                        f"{type_name(constant.data_type)} {list(constant.dims)}")


def _valid(what: str, call: Any) -> Any:
    """Return what a check gives; its first sentence becomes ours."""
    try:
        return call()
    except Exception as error:  # the package's errors have no base of their own
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        reason = lines[0][:200] if lines else type(error).__name__
        raise UserError(f"{what} is no valid ONNX: {reason}") from error
