"""What kernels do with memory itself: parts of arrays without a copy, addresses, bytes and words at them, and asking ahead.

No bound is checked here: a wrong position reads memory of something else.
"""

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.core.imputils import impl_ret_untracked
from numba.extending import intrinsic
from numba.np.arrayobj import make_array


def _part(typing_context, array, start, stop):
    """In kernels: the numbers [start, stop) of a contiguous array (of a table, counted row by row), as an array.

    The same as `array[start:stop]`, at a tenth of its cost: no reference is counted and no bound is checked. With a slice for
    each of a view's columns, families would spend more time on slices than on numbers. The array must outlive its part, as the
    arguments of kernels do.
    """
    result = types.Array(array.dtype, 1, "C")

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        whole = make_array(signature.args[0])(context, builder, value=args[0])
        first, last = (context.cast(builder, args[k], signature.args[k], types.intp) for k in (1, 2))
        size = builder.sub(last, first)
        piece: Any = make_array(result)(context, builder)
        piece.data = builder.gep(whole.data, [first])
        piece.meminfo = cgutils.get_null_value(piece.meminfo.type)
        piece.parent = cgutils.get_null_value(piece.parent.type)
        piece.nitems, piece.itemsize = size, whole.itemsize
        piece.shape, piece.strides = (cgutils.pack_array(builder, [one]) for one in (size, whole.itemsize))
        return impl_ret_untracked(context, builder, result, piece._getvalue())

    return result(array, start, stop), generate


def _address_of(typing_context, array, position):
    """In kernels: where `array[position]` stands in memory, as a number."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        whole = make_array(signature.args[0])(context, builder, value=args[0])
        offset = context.cast(builder, args[1], signature.args[1], types.intp)
        return builder.ptrtoint(builder.gep(whole.data, [offset]), ir.IntType(64))

    return types.uint64(array, position), generate


def _prefetch(typing_context, address):
    """In kernels: ask for the memory at an address that will be read soon, and do not wait for it. Never fails.

    For arrays too large for a cache, read in no order: a loop that asks ahead waits once for many.
    """

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [pointer, number, number, number])
        fetch = builder.module.declare_intrinsic("llvm.prefetch", (pointer,), kind)
        to_read, keep_in_cache, data = number(0), number(3), number(1)
        builder.call(fetch, [_pointer(builder, args[0], 8), to_read, keep_in_cache, data])
        return context.get_dummy_value()

    return types.void(types.uint64), generate


def _word_at(typing_context, address):
    """In kernels: the eight bytes at an address, which need not be a multiple of eight."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.load(_pointer(builder, args[0], 64), align=1)

    return types.uint64(types.uint64), generate


def _byte_at(typing_context, address):
    """In kernels: the byte at an address, as a word."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.zext(builder.load(_pointer(builder, args[0], 8)), ir.IntType(64))

    return types.uint64(types.uint64), generate


def _pointer(builder: Any, address: Any, bits: int) -> Any:
    return builder.inttoptr(address, ir.IntType(bits).as_pointer())


part: Any = intrinsic(_part)
address_of: Any = intrinsic(_address_of)
prefetch: Any = intrinsic(_prefetch)
word_at: Any = intrinsic(_word_at)
byte_at: Any = intrinsic(_byte_at)
