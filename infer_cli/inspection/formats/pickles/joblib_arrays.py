"""Pickles by joblib, which keeps the bytes of arrays between the opcodes.

After `NumpyArrayWrapper` and `NumpyUnpickler` in joblib's `joblib/numpy_pickle.py`. Where a plain pickle
would hold an array, joblib writes a wrapper object with its dtype and shape, and right behind the opcode
that sets the wrapper's state:

- since joblib 1.2, a byte that says how many bytes of padding follow, and the padding;
- the elements; or, if they are Python objects, a pickle of the array by itself.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from infer_cli.inspection.files.refusal import Refused
from infer_cli.inspection.formats.pickles.machine import Machine
from infer_cli.inspection.nodes.arrays import dtype_of
from infer_cli.inspection.nodes.node_types import Array, DictNode, Global, Instance, Node

if TYPE_CHECKING:
    from infer_cli.inspection.files.budget import Budget
    from infer_cli.inspection.files.stream import Stream

WRAPPER = Global("joblib.numpy_pickle", "NumpyArrayWrapper")
# How a wrapper is made: by itself, or by what protocols 0 and 1 make objects with.
WRAPPER_ARGUMENTS = ((), (WRAPPER, Global("builtins", "object"), None))
# Other names under which a wrapper may hide, of other versions or made to mislead, end like this.
WRAPPER_NAMES = frozenset({"NumpyArrayWrapper", "NDArrayWrapper", "ZNDArrayWrapper"})


class JoblibMachine(Machine):
    """A machine that also understands joblib's arrays."""

    def __init__(self, stream: Stream, budget: Budget) -> None:
        super().__init__(stream, budget)
        self.has_arrays = False

    def resolve(self, module: str, name: str) -> Global:
        """Refuse wrappers that this machine does not know how to read."""
        found = super().resolve(module, name)
        if found != WRAPPER and name.rpartition(".")[2] in WRAPPER_NAMES:
            reason = f"keeps its arrays as {found}, as only very old versions of joblib do"
            hint = "Load it with the versions that saved it, and save it with joblib 0.10 or newer."
            raise Refused(reason, hint=hint)
        return found

    def built(self, instance: Instance) -> Node:
        """Read the array behind a wrapper."""
        if instance.made_by != WRAPPER:
            return instance
        self.has_arrays = True
        if instance.arguments not in WRAPPER_ARGUMENTS or instance.keywords is not None:
            # Its constructor would set attributes that its state does not tell.
            raise self._misunderstood()
        if len(instance.states) != 1 or not isinstance(instance.states[0], DictNode):
            raise self._misunderstood()
        # joblib reads past the pickle's frames.
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
        data = self.take(math.prod(sizes) * dtype.itemsize)
        return Array(wrapper["dtype"], sizes, data)

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
    """A machine for the pickle of an array of objects, inside one by joblib."""

    def __init__(self, outer: JoblibMachine, budget: Budget) -> None:
        super().__init__(outer.stream, budget)
        self._outer = outer

    def resolve(self, module: str, name: str) -> Global:
        """Refuse a name that means something else to the pickle around this one.

        Newer versions of joblib look it up as the outer pickle would, older ones do not.
        """
        found = super().resolve(module, name)
        if self._outer.resolve(module, name) != found:
            reason = f"has a name in an array of objects, {found}, that depends on joblib's version"
            raise Refused(reason)
        return found
