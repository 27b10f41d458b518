"""The source of a cell: compiled, its last expression apart, and the names found that it binds."""

import ast
import inspect
import linecache
import opcode

_AWAIT = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
_ONLY_AST = ast.PyCF_ONLY_AST
# Captured: a cell may rebind what it finds in these modules.
_Expr, _Expression = ast.Expr, ast.Expression
COROUTINE = inspect.CO_COROUTINE
_EXTENDED_ARG, _STORE_NAME = opcode.opmap["EXTENDED_ARG"], opcode.opmap["STORE_NAME"]
_source_lines = linecache.cache
NO_SHELL = "Lines that begin with % or ! are for IPython and its shell; here is Python alone."


def compile_cell(source, filename):
    """(code objects to run in order, the last one an expression's when `echoes`; echoes; needs a loop; names bound at top level)"""
    source = source.removeprefix("\ufeff")
    _remember(filename, source)
    source, tree = _parse(source, filename)
    last = None
    if tree.body and type(tree.body[-1]) is _Expr and not _silenced(source, tree.body[-1]):
        last = _Expression(tree.body.pop().value)
    try:
        parts = [compile(tree, filename, "exec", _AWAIT)]
        if last is not None:
            parts.append(compile(last, filename, "eval", _AWAIT))
    except SyntaxError as error:
        # What only the compiler finds wrong comes without the line.
        raise _with_line(error, source) from None
    needs_loop = any(part.co_flags & COROUTINE for part in parts)
    return parts, last is not None, needs_loop, _stored_names(parts)


def _remember(filename, source):
    """For tracebacks, in later cells too."""
    _source_lines[filename] = (len(source), None, source.splitlines(True), filename)


def forget_all():
    _source_lines.clear()


def _parse(source, filename):
    try:
        return source, compile(source, filename, "exec", _ONLY_AST | _AWAIT)
    except IndentationError as error:
        flush = _dedented(source)
        if flush is None:
            raise
        _remember(filename, flush)
        try:
            return flush, compile(flush, filename, "exec", _ONLY_AST | _AWAIT)
        except SyntaxError:
            _remember(filename, source)
            raise error from None
    except SyntaxError as error:
        if (error.text or "").lstrip()[:1] in ("%", "!"):
            error.add_note(NO_SHELL)
        raise


def _dedented(source):
    """Code that was indented as a whole, as a list item is; None when it does not begin so."""
    lines = source.splitlines(True)
    first = next((line for line in lines if line.strip()), "")
    indent = first[: len(first) - len(first.lstrip(" \t"))]
    return "".join(line.removeprefix(indent) for line in lines) if indent else None


def _silenced(source, statement):
    """Whether a semicolon ends the last expression, as in a notebook."""
    if ";" not in source[-1000:]:
        return False
    lines = source.splitlines()[statement.end_lineno - 1 :]
    # Behind an expression come closing brackets, a comment and the semicolon, but no string.
    lines[0] = lines[0].encode("utf-8", "surrogatepass")[statement.end_col_offset :].decode("utf-8", "surrogatepass")
    return any(";" in line.split("#", 1)[0] for line in lines)


def _with_line(error, source):
    if error.text is None and error.lineno:
        lines = source.splitlines()
        if error.lineno <= len(lines):
            error.text = lines[error.lineno - 1]
    return error


def _stored_names(parts):
    """Names that module code assigns: also to the object that they had."""
    names = set()
    for code in parts:
        words, argument = code.co_code, 0
        for at in range(0, len(words), 2):
            operation = words[at]
            argument |= words[at + 1]
            if operation == _EXTENDED_ARG:
                argument <<= 8
                continue
            if operation == _STORE_NAME:
                names.add(code.co_names[argument])
            argument = 0
    return names
