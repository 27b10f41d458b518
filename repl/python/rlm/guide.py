"""help(): what this session offers, and what pydoc says of anything else."""


class Help:
    """help() lists what this session offers; help(x) explains x."""

    def __init__(self, functions, packages):
        """`functions`: dicts name -> function, read when help is asked for, as are the packages."""
        self._functions = functions
        self._packages = packages

    def __call__(self, *args, **kwargs):
        if not args and not kwargs:
            return print(self._overview())
        import pydoc

        for functions in self._functions:
            if args and type(args[0]) is str and args[0] in functions:
                args = (functions[args[0]], *args[1:])
        return pydoc.help(*args, **kwargs)

    def __repr__(self):
        return self.__doc__

    def _overview(self):
        rows = [f"  {name:<18} {summary(function)}" for functions in self._functions for name, function in functions.items()]
        return "\n".join(
            [
                "Python 3 with its standard library; no network, no other files than your own.",
                "  input_data, context  the input (the same object)",
                '  answer             {"content": ..., "ready": ...}: set ready to True when the content is final',
                '                     answer["citations"] = [...]: what it rests on, Passages or {"input": name, "quote": words}',
                *rows,
                *(f"  {name} {version}: a package of this run, import {', '.join(modules)}" for name, version, modules in self._packages.listed),
                "help(llm_query) and so on tell more; SHOW_VARS() lists your variables.",
            ]
        )


def summary(function):
    lines = (getattr(function, "__doc__", None) or "").strip().split("\n")
    return lines[0].split(". ")[0].rstrip(".")
