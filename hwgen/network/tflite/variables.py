"""Variables of a .tflite file: tensors that stay between inferences.

VAR_HANDLE names one, READ_VARIABLE gives what it has, ASSIGN_VARIABLE gives it another value, and a
subgraph that CALL_ONCE runs before the first inference gives it an initial one. In the graph what
is read before anything is assigned is a state, and what was assigned last becomes the next one.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ...errors import UserError
from ..graph import Assign, Layer, Move, Reshape, StateTensor, Tensor
from .file import File, Operator, StoredTensor
from .operator import Context
from .rearrange import move_to

__all__ = ["VARIABLES", "Variables", "with_states"]

VARIABLES = {"CALL_ONCE": (0, 0), "VAR_HANDLE": (0, 1), "READ_VARIABLE": (1, 1),
             "ASSIGN_VARIABLE": (2, 0)}
"""The operators, and how many inputs and outputs each has."""


@dataclass
class Resource:
    """What is known of a variable at a place in the file."""

    title: str
    initial: NDArray[np.int8] | None = None
    kind: StoredTensor | None = None
    """A tensor that it was read to or assigned from, by which all others are judged."""
    state: Tensor | None = None
    """The tensor of the graph that has what is there before the inference."""
    now: Tensor | None = None
    """The tensor of the graph that has what is there now."""
    assigned: str = ""
    """The layer that assigned it last."""


class Variables:
    """The variables of a file, and the layers that their operators become.

    Parameters
    ----------
    file : File
    context : Context
    activation : function
        Returns the graph's tensor of one of the file.
    written : set of int
        Tensors of the file that operators have written by now, or that are inputs.
    """

    def __init__(self, file: File, context: Context, activation: Callable[[int], Tensor],
                 written: set[int]) -> None:
        """Begin with none."""
        self.file, self.context, self.activation = file, context, activation
        self.written = written
        self.known: dict[tuple[str, str], Resource] = {}
        self.handles: dict[int, Resource] = {}
        self.same: dict[int, Tensor] = {}
        """Tensors of the file that are others of the graph."""
        self.called: set[int] = set()

    def operator(self, operator: Operator, number: int) -> list[Layer]:
        """Return the layers of one operator, by its number in the file."""
        check_counts(operator)
        if operator.code == "CALL_ONCE":
            self.call(int(operator.options.get("InitSubgraphIndex", 0)))
        elif operator.code == "VAR_HANDLE":
            self.handles[operator.outputs[0]] = self.handle(self.file, operator)
        elif (variable := self.handles.get(operator.inputs[0])) is None:
            raise UserError("its first input must be what a VAR_HANDLE before it gives")
        elif operator.code == "READ_VARIABLE":
            return self.read(operator, operator.layer(number), variable)
        else:
            self.assign(operator.inputs[1], variable)
            variable.assigned = operator.layer(number)
        return []

    def handle(self, file: File, operator: Operator) -> Resource:
        """Return the variable of a VAR_HANDLE."""
        index, key = operator.outputs[0], operator.variable
        if file.tensors[index].type != "RESOURCE" or file.tensors[index].data is not None:
            raise UserError(f"its output must be a RESOURCE, not {file.tensors[index].type}")
        if not key[1]:
            raise UserError("its variable has no name")
        if any(other[1] == key[1] and other != key for other in self.known):
            raise UserError(f"its variable {key[1]!r} is in two containers: hwgen tells variables "
                            "by their names")
        return self.known.setdefault(key, Resource(key[1]))

    def call(self, number: int) -> None:
        """Give variables the initial values that a subgraph assigns."""
        if not 1 <= number <= len(self.file.others):
            raise UserError(f"it runs subgraph {number}: the file must have that, and it must not "
                            "be the first")
        self.called.add(number)
        graph, handles = self.file.others[number - 1], dict[int, Resource]()
        if graph.inputs or graph.outputs:
            raise UserError(f"it runs subgraph {number}, which must have no inputs or outputs")
        for place, operator in enumerate(graph.operators):
            where = f"in subgraph {number}, which it runs, layer {place} ({operator.code})"
            if operator.code not in ("VAR_HANDLE", "ASSIGN_VARIABLE"):
                raise UserError(f"{where} must be VAR_HANDLE or ASSIGN_VARIABLE")
            try:
                check_counts(operator)
                if operator.code == "VAR_HANDLE":
                    handles[operator.outputs[0]] = self.handle(graph, operator)
                    continue
            except UserError as error:
                raise UserError(f"{where}: {error}") from None
            variable, value = handles.get(operator.inputs[0]), graph.tensors[operator.inputs[1]]
            if variable is None or value.data is None:
                raise UserError(f"{where} must assign a constant to what a VAR_HANDLE before it "
                                "gives")
            if variable.now is not None:
                raise UserError(f"it must come before all that reads or assigns the variable "
                                f"{variable.title!r}")
            self.suits(variable, value)
            size = int(np.prod(value.shape, dtype=object))
            if not value.plain or len(value.data) != size:
                raise UserError(f"{where} assigns a constant of {len(value.data)} bytes: it must "
                                f"be dense and have {size}")
            variable.initial = np.frombuffer(value.data, "<i1").astype(np.int8)

    def suits(self, variable: Resource, tensor: StoredTensor) -> None:
        """Check that a tensor is one that a variable can hold, like all others of it."""
        first = variable.kind = variable.kind or tensor
        if tensor.type != "INT8":
            raise UserError(f"the variable {variable.title!r} is {tensor.type}: hwgen keeps int8 "
                            "between inferences")
        if np.prod(first.shape, dtype=object) != np.prod(tensor.shape, dtype=object) or \
                not np.array_equal(first.scales, tensor.scales) or \
                not np.array_equal(first.zero_points, tensor.zero_points):
            raise UserError(f"the variable {variable.title!r} is read or assigned with shapes "
                            f"{first.shape} and {tensor.shape}, scales "
                            f"{first.scales[:1].tolist()} and {tensor.scales[:1].tolist()}, zero "
                            f"points {first.zero_points[:1].tolist()} and "
                            f"{tensor.zero_points[:1].tolist()}: they must agree")

    def read(self, operator: Operator, name: str, variable: Resource) -> list[Layer]:
        """READ_VARIABLE: the tensor that is there, under its shape."""
        [index] = operator.outputs
        if self.file.tensors[index].data is not None or index in self.same:
            raise UserError("its output is a constant, or that of another operator")
        self.suits(variable, self.file.tensors[index])
        y = self.activation(index)
        if variable.now is None:
            variable.now = variable.state = self.context.tensor(variable.title, y)
        if variable.now.shape == y.shape and index not in self.file.outputs:
            self.same[index] = variable.now
            return []
        return [Reshape(name=name, inputs=(variable.now.name,), output=y.name)]

    def assign(self, index: int, variable: Resource) -> None:
        """ASSIGN_VARIABLE: what is read from here on."""
        if self.file.tensors[index].data is not None:
            raise UserError("it assigns a constant: hwgen does that in what CALL_ONCE runs")
        if index not in self.written:
            raise UserError("it assigns a tensor before any operator writes it")
        self.suits(variable, self.file.tensors[index])
        variable.now = self.activation(index)

    def finish(self) -> None:
        """Add the last layers, which give every state its next value, and the states."""
        for number in range(1, len(self.file.others) + 1):
            if number not in self.called:
                raise UserError(f"the file has {len(self.file.others) + 1} subgraphs, and hwgen "
                                "runs files with one, and those that CALL_ONCE runs")
        context = self.context
        kept = {variable.state.name for variable in self.known.values() if variable.state}
        for variable in self.known.values():
            old, new = variable.state, variable.now
            if old is None or new is None:
                continue  # nothing reads what an inference before has left
            if not variable.assigned and variable.initial is None:
                raise UserError(f"the variable {variable.title!r} is read, and nothing assigns it")
            initial = np.full(old.size, old.zero_point) if variable.initial is None \
                else variable.initial
            target = old
            if new != old:
                target = context.tensor(f"{old.name}#next", old)
                if new.shape != old.shape or new.name in kept:
                    between = context.tensor(f"{target.name}#before", old)
                    context.last.append(Reshape(name=f"{variable.assigned}_reshape",
                                                inputs=(new.name,), output=between.name))
                    new = between
                context.last.append(Assign(name=variable.assigned, inputs=(new.name,),
                                           output=target.name))
            context.states.append(StateTensor(old.name, target.name,
                                        initial.astype(np.int8).reshape(old.shape)))


def check_counts(operator: Operator) -> None:
    """Check how many inputs and outputs an operator has."""
    inputs, outputs = VARIABLES[operator.code]
    if (len(operator.inputs), len(operator.outputs)) != (inputs, outputs) or \
            -1 in (*operator.inputs, *operator.outputs):
        raise UserError(f"it must have {inputs} inputs and {outputs} outputs")


def with_states(layers: list[Layer], context: Context, outputs: set[str]) -> list[Layer]:
    """Return all layers, those that assign last, without what is kept of a state and never read.

    Where nothing but one MOVE reads a state, what that takes of it is the state.
    """
    found = [*layers, *context.last]
    kept = {state.name for state in context.states}
    for layer in [layer for layer in found if layer.host and layer.inputs[0] in kept]:
        copy = context.tensor(f"{layer.output}#before", context.tensors[layer.inputs[0]]).name
        at = found.index(layer)  # the host reads after the state has changed
        found[at:at + 1] = [Reshape(name=f"{layer.name}_reshape", inputs=layer.inputs, output=copy),
                            replace(layer, inputs=(copy,))]
    for number, state in enumerate(context.states):
        readers = [layer for layer in found if state.name in layer.inputs]
        last = next((layer for layer in found if layer.output == state.next), None)
        move = readers[0] if len(readers) == 1 else None
        if last is None or not isinstance(move, Move) or {state.name, move.output} & outputs or \
                len(move.places) > state.initial.size:
            continue
        like, places = context.tensors[move.output], move.places
        context.tensors[state.next] = replace(like, name=state.next)
        part = context.tensor(f"{state.next}#part", like)
        found.remove(move)
        at = found.index(last)
        found[at:at + 1] = [move_to(move.name, context.tensors[last.inputs[0]], part.name, places),
                            replace(last, inputs=(part.name,))]
        context.states[number] = StateTensor(move.output, state.next,
                                       state.initial.reshape(-1)[places].reshape(like.shape))
    return sorted(found, key=lambda layer: isinstance(layer, Assign))
