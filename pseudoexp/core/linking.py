"""How kernels that call kernels are compiled: every function once, the whole program at the end.

Numba optimises each function together with everything it calls and translates the lot to machine code, then does
so again in each of its callers; in a chain eight calls deep the innermost function is optimised eight times, and each
level gets wrappers for Python that nobody calls. Here a function has two lives. Called by a compiled function it is a
*part*: typed and lowered to LLVM's language, but neither optimised nor translated. Called from Python it is a
*whole*: its parts are linked in, made private to it (so that LLVM may drop arguments nobody reads) and optimised
together, once. This takes a third of the time and gives faster code; the results are the same to the bit.

Numba counts references to arrays wherever it looks into one: a third of the code of a function that takes large tuples of
arrays. A program that neither creates arrays nor returns any only borrows those of its caller, and the count need not be
kept. Every program is therefore first compiled without counting; if it turns out not to be of that kind, again with it, from
parts of their own.

The only module that touches the insides of numba's compiler.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite.binding import parse_assembly
from numba import typeof
from numba.core import entrypoints
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.core.compiler_lock import global_compiler_lock
from numba.core.compiler_machinery import PassManager, register_pass
from numba.core.lowering import Lower
from numba.core.registry import CPUDispatcher
from numba.core.runtime.context import NRTContext
from numba.core.typed_passes import NativeLowering

_NO_WRAPPERS = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}


def without_extensions() -> None:
    """Let this process not load what other packages teach numba (awkward, vector): it takes time, and no kernel of ours asks."""
    entrypoints._already_initialized = True


class _MustCount(Exception):
    """A program creates or returns arrays: their references have to be counted."""


class _Uncounted(NRTContext):
    """What lowering asks to count references, and does not."""

    def incref(self, builder: Any, typ: Any, value: Any) -> None:
        """Do nothing."""

    def decref(self, builder: Any, typ: Any, value: Any) -> None:
        """Do nothing."""


class _Lower(Lower):
    """Lowering of a function that Python calls."""

    def create_cpython_wrapper(self, release_gil: bool = False) -> None:
        """Write what unpacks Python's arguments: it always counts."""
        self.context.nrt = NRTContext(self.context, True)
        super().create_cpython_wrapper(release_gil)


_helpers: dict[Any, Any] = {}
"""Functions that numba itself compiles for code that does not count."""


class _Mode:
    """Whether what is compiled now counts references; numba compiles one thing at a time."""

    counts = True


def _stop_counting(state: Any) -> None:
    """Let the context in which one function is lowered not count, nor share what it compiles with those that do."""
    if not _Mode.counts:
        state.targetctx.nrt = _Uncounted(state.targetctx, True)
        state.targetctx.cached_internal_func = _helpers


class _PartLibrary(JITCodeLibrary):
    """Code that is only ever linked into other code; it holds none of what it calls."""

    def finalize(self) -> None:
        """Neither link, optimise nor translate: the whole does."""
        self._raise_if_finalized()
        self._finalize_dynamic_globals()
        self._finalized = True

    def own_module(self) -> Any:
        """Return the code without what it calls."""
        return super()._get_module_for_linking()

    def _get_module_for_linking(self) -> Any:
        """Return the code with all it calls, for callers that numba itself compiles."""
        module = self.own_module().clone()
        _link_calls(self, module)
        return module


class _FlatLibrary(_PartLibrary):
    """Code that is put into each of its callers, whatever its size."""

    def add_ir_module(self, ir_module: Any) -> None:
        """Add a function's code."""
        for function in ir_module.functions:
            if not function.is_declaration:
                function.attributes.add("alwaysinline")
        super().add_ir_module(ir_module)


def _link_calls(library: JITCodeLibrary, module: Any) -> None:
    """Link into a module all that a library calls, directly or through parts.

    LLVM takes of linked code only what the module asks for at that moment, so code is linked when it is asked for.
    """
    sources: dict[str, Any] = {}
    queue = list(dict.fromkeys(library._linking_libraries))
    found = set(queue)
    for called in queue:
        library._reload_init.update(called._reload_init)
        part = isinstance(called, _PartLibrary)
        code = called.own_module() if part else called._get_module_for_linking()
        sources |= {function.name: code for function in code.functions if not function.is_declaration}
        if part:
            new = [other for other in dict.fromkeys(called._linking_libraries) if other not in found]
            found.update(new)
            queue += new
    asked: set[str] = set()
    while missing := {function.name for function in module.functions if function.is_declaration} & sources.keys():
        if missing == asked:
            raise AssertionError(f"{library.name}: {', '.join(sorted(missing))} cannot be linked")
        for code in {id(sources[name]): sources[name] for name in sorted(missing)}.values():
            module.link_in(code, preserve=True)
        asked = missing


class _WholeLibrary(JITCodeLibrary):
    """Code that Python calls."""

    def finalize(self) -> None:
        """Link all it calls, every part once, and translate."""
        _link_calls(self, self._final_module)
        self._linking_libraries: list[JITCodeLibrary] = []
        super().finalize()

    def serialize_using_object_code(self) -> tuple[str, str, tuple[bytes, bytes]]:
        """Return what goes to the cache: machine code, and of LLVM's the names it defines.

        Numba keeps all of LLVM's code for callers, which takes longer to read than the machine code; ours link parts.
        """
        self._ensure_finalized()
        module = self._get_module_for_linking()
        names = [one for kind in (module.functions, module.global_variables) for one in kind
                 if not one.is_declaration and one.linkage.name not in ("internal", "private")]
        stubs = "\n".join(f'define void @"{one.name}"() {{ ret void }}' for one in names)
        return self.name, "object", (self._get_compiled_object(), parse_assembly(stubs).as_bitcode())

    def _optimize_final_module(self) -> None:
        """Make the parts private, then optimise. Numba's reference counts are known to a pass by name and stay."""
        if not _Mode.counts and any("alloc" in function.name.lower() for function in self._final_module.functions
                                    if function.name.startswith("NRT_")):
            raise _MustCount
        for function in self._final_module.functions:
            shared = not function.is_declaration and function.linkage.name == "linkonce_odr"
            if shared and not function.name.startswith("NRT_"):
                function.linkage = "internal"
        super()._optimize_final_module()


@register_pass(mutates_CFG=True, analysis_only=False)
class _PartLowering(NativeLowering):
    _name = "pseudoexp_part_lowering"
    library = _PartLibrary

    def run_pass(self, state: Any) -> bool:
        """Lower, and register what callers link under a key of its own instead of an entry point."""
        _stop_counting(state)
        state.library = self.library(state.targetctx.codegen(), state.func_id.func_qualname)
        super().run_pass(state)
        key = object()
        state.targetctx.insert_user_function(key, state.cr.fndesc, [state.library])
        state.cr = state.cr._replace(cfunc=key)
        return True


@register_pass(mutates_CFG=True, analysis_only=False)
class _FlatLowering(_PartLowering):
    _name = "pseudoexp_flat_lowering"
    library = _FlatLibrary


@register_pass(mutates_CFG=True, analysis_only=False)
class _WholeLowering(NativeLowering):
    _name = "pseudoexp_whole_lowering"
    lowering_class = _Lower

    def run_pass(self, state: Any) -> bool:
        """Lower and translate."""
        if not _Mode.counts and state.targetctx.data_model_manager[state.return_type].contains_nrt_meminfo():
            raise _MustCount
        _stop_counting(state)
        state.library = _WholeLibrary(state.targetctx.codegen(), state.func_id.func_qualname)
        state.library.enable_object_caching()
        return bool(super().run_pass(state))


def _pipeline(state: Any, lowering: type[NativeLowering]) -> list[PassManager]:
    """Return numba's own passes with another lowering."""
    manager = PassManager("pseudoexp")
    for step, description in DefaultPassBuilder.define_nopython_pipeline(state).passes:
        manager.add_pass(lowering if step is NativeLowering else step, description)
    manager.finalize()
    return [manager]


class _PartCompiler(CompilerBase):
    def define_pipelines(self) -> list[PassManager]:
        """Return the passes."""
        self.state.flags.no_compile = True
        return _pipeline(self.state, _PartLowering)


class _FlatCompiler(CompilerBase):
    def define_pipelines(self) -> list[PassManager]:
        """Return the passes."""
        self.state.flags.no_compile = True
        return _pipeline(self.state, _FlatLowering)


class _WholeCompiler(CompilerBase):
    def define_pipelines(self) -> list[PassManager]:
        """Return the passes."""
        return _pipeline(self.state, _WholeLowering)


class _PartDispatcher(CPUDispatcher):
    """The parts of one function, one per signature."""

    def add_overload(self, result: Any) -> None:
        """Keep a part without making it callable from Python."""
        self.overloads[tuple(result.signature.args)] = result


class Kernel(CPUDispatcher):
    """A compiled function: a whole for Python, a part for other compiled functions.

    Parameters
    ----------
    py_func : callable
        The function.
    locals : dict, optional
        As in numba.
    targetoptions : dict, optional
        Options of ``numba.njit``.
    flat : bool
        Whether the part is put into its callers whatever its size.
    """

    def __init__(self, py_func: Callable[..., Any], locals: dict[str, Any] | None = None,
                 targetoptions: dict[str, Any] | None = None, flat: bool = False) -> None:
        options = targetoptions or {}
        super().__init__(py_func, locals, options | {"no_cfunc_wrapper": True}, _WholeCompiler)
        self._part_compiler = _FlatCompiler if flat else _PartCompiler
        self._parts: dict[bool, _PartDispatcher] = {}

    def compile(self, sig: Any) -> Any:
        """Compile for a signature, without counting references if that is possible."""
        with global_compiler_lock:
            _Mode.counts = False
            try:
                return super().compile(sig)
            except _MustCount:
                _Mode.counts = True
                return super().compile(sig)
            finally:
                _Mode.counts = True

    def ready(self, *arguments: Any) -> bool:
        """Return whether a call with these arguments needs no compilation, now or in an earlier process."""
        signature = tuple(typeof(argument) for argument in arguments)
        if signature in self.overloads:
            return True
        key = self._cache._index_key(signature, self.targetctx.codegen())
        return key in self._cache._cache_file._load_index()

    def prepare(self, *arguments: Any) -> None:
        """Compile for the types of the arguments, or load what an earlier process compiled."""
        self.compile(tuple(typeof(argument) for argument in arguments))

    def _part(self) -> _PartDispatcher:
        """Return the parts that count references, or do not; few kernels that Python calls ever need them."""
        if _Mode.counts not in self._parts:
            options = self.targetoptions | _NO_WRAPPERS
            self._parts[_Mode.counts] = _PartDispatcher(self.py_func, self.locals, options, self._part_compiler)
        return self._parts[_Mode.counts]

    def get_call_template(self, args: Any, kws: Any) -> Any:
        """Type a call from compiled code, compiling the part."""
        return self._part().get_call_template(args, kws)

    def get_overload(self, sig: Any) -> Any:
        """Return the key under which a part is registered."""
        return self._part().get_overload(sig)
