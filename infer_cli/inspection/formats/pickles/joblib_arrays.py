"""Pickles that joblib wrote, with the elements of arrays between the opcodes.

The format is that of `NumpyArrayWrapper` and `NumpyUnpickler` in joblib's `joblib/numpy_pickle.py`. In place
of an array, joblib writes a wrapper object with the dtype and shape. Directly after the opcode that sets the
state of the wrapper stand

- since joblib 1.2, one byte with the number of bytes of padding, and the padding;
- the elements; or, for an array of Python objects, a pickle of the array.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from infer_cli.inspection.facts.calls import check_empty
from infer_cli.inspection.files.refusal import DAMAGED, Refused
from infer_cli.inspection.formats.pickles.machine import Machine
from infer_cli.inspection.nodes.arrays import dtype_of
from infer_cli.inspection.nodes.node_types import Array, DictNode, Global, Instance, Node

if TYPE_CHECKING:
    from infer_cli.inspection.files.budget import Budget
    from infer_cli.inspection.files.stream import Stream

WRAPPER = Global("joblib.numpy_pickle", "NumpyArrayWrapper")
# The arguments that make a wrapper: none, or those of `copyreg._reconstructor` in protocols 0 and 1.
WRAPPER_ARGUMENTS = ((), (WRAPPER, Global("builtins", "object"), None))
# The last part of the names of all wrappers: of older versions of joblib, and of hostile aliases.
WRAPPER_NAMES = frozenset({"NumpyArrayWrapper", "NDArrayWrapper", "ZNDArrayWrapper"})


class JoblibMachine(Machine):
    """A machine that also reads the arrays of joblib; `has_arrays` says whether there were any."""

    def __init__(self, stream: Stream, budget: Budget) -> None:
        super().__init__(stream, budget)
        self.has_arrays = False

    def resolve(self, module: str, name: str) -> Global:
        """Give the name as `Machine.resolve` does; refuse a wrapper that this machine cannot read."""
        found = super().resolve(module, name)
        if found != WRAPPER and name.rpartition(".")[2] in WRAPPER_NAMES:
            reason = f"keeps its arrays as {found}, as only very old versions of joblib do"
            hint = "Load it with the versions that saved it, and save it with joblib 0.10 or newer."
            raise Refused(reason, hint=hint)
        return found

    def built(self, instance: Instance) -> Node:
        """Read the array behind a wrapper, and give it in place of the wrapper."""
        if instance.made_by != WRAPPER:
            return instance
        self.has_arrays = True
        if instance.arguments not in WRAPPER_ARGUMENTS or instance.keywords is not None:
            # The constructor would set attributes that are not in the state.
            raise self._misunderstood()
        if len(instance.states) != 1 or not isinstance(instance.states[0], DictNode):
            raise self._misunderstood()
        # joblib reads the elements from the file itself, past the frames of the pickle.
        if self.stream.position < self.frame_end:
            raise self._misunderstood()
        return self._read_array(instance.states[0].by_name())

    def _read_array(self, wrapper: dict[str, Node]) -> Node:
        dtype = dtype_of(wrapper.get("dtype"))
        shape = wrapper.get("shape")
        if dtype is None or not isinstance(shape, tuple):
            raise self._misunderstood()
        sizes = tuple(size for size in shape if type(size) is int and size >= 0)
        if len(sizes) != len(shape):
            raise self._misunderstood()
        if dtype.has_objects:
            return self._read_nested()
        if wrapper.get("numpy_array_alignment_bytes") is not None:
            self.stream.skip(self.stream.byte())
        data = self.take(math.prod(sizes) * dtype.itemsize, wrapper["dtype"])
        array = Array(wrapper["dtype"], sizes, data)
        check_empty(array)
        return array

    def _read_nested(self) -> Node:
        nested = _NestedMachine(self, self._budget)
        array = nested.run()
        self.globals |= nested.globals
        self.calls |= nested.calls
        if self.stream.position < nested.frame_end:
            raise self._misunderstood()
        return array

    def _misunderstood(self) -> Refused:
        return Refused(
            f"has an array before byte {self.stream.position} that infer does not understand",
            hint="Load it where it was made, and save it again with a current joblib.",
        )


class _NestedMachine(Machine):
    """A machine for the pickle of an array of objects inside a pickle of joblib."""

    def __init__(self, outer: JoblibMachine, budget: Budget) -> None:
        super().__init__(outer.stream, budget)
        self._outer = outer
        self.costs = outer.costs

    def resolve(self, module: str, name: str) -> Global:
        """Give the name as `Machine.resolve` does; refuse one that means another name in the outer pickle.

        Newer versions of joblib translate it by the protocol of the outer pickle, older ones by that of this
        pickle.
        """
        found = super().resolve(module, name)
        if found == WRAPPER:
            reason = "has an array in an array as joblib writes none"
            raise Refused(reason, hint=DAMAGED)
        if self._outer.resolve(module, name) != found:
            reason = f"has a name in an array of objects, {found}, that depends on joblib's version"
            raise Refused(reason, hint=DAMAGED)
        return found
