"""Tables, which are lists of dicts: group_by and describe."""

import statistics
from collections import Counter

_NAMED = {
    "count": len,
    "sum": sum,
    "mean": statistics.fmean,
    "median": statistics.median,
    "min": min,
    "max": max,
    "first": lambda values: values[0],
    "last": lambda values: values[-1],
    "list": list,
    "distinct": lambda values: len(set(map(_key, values))),
}
_NUMERIC = ("sum", "mean", "median", "min", "max")
# Values shown of a column, and characters of each.
SHOWN_VALUES = 3
SHOWN_ROWS = 60
VALUE_CHARS = 24


def group_by(rows, by, /, **columns):
    """Group the rows of a table. Returns a dict: key -> its rows; or a table of one row a group, with columns that you name.

        groups = group_by(orders, "country")                    # {"DE": [{...}, ...], "FR": [...]}
        table = group_by(orders, ["country", "year"], orders=len, total=("amount", "sum"), best=("amount", max))
        by_decade = group_by(people, lambda row: row["born"] // 10 * 10)

    rows     a list of dicts
    by       name of a column, a list of names (keys are then tuples), or a function of a row
    columns  name=function of the group's rows, or name=(column, how): how is "count", "sum", "mean", "median", "min",
             "max", "first", "last", "list", "distinct", or a function of the list of values. Missing and empty values
             are left out; for sums and the like "1,234.5" counts as a number. A group without values has None.

    Groups come in the order in which they are met first. A row without the column belongs to the group None.
    """
    rows = _checked("group_by", rows)
    key_of = by if callable(by) else _key_reader(by)
    groups = {}
    for row in rows:
        groups.setdefault(_key(key_of(row)), []).append(row)
    if not columns:
        return groups
    makers = {name: _maker(name, how) for name, how in columns.items()}
    several = isinstance(by, (list, tuple))
    names = by if several else ["key" if callable(by) else by]
    made = []
    for key, members in groups.items():
        named = dict(zip(names, key if several else (key,)))
        made.append({**named, **{name: maker(members) for name, maker in makers.items()}})
    return Table(made)


def describe(rows):
    """Summarise a table: of each column the type, how many values, how many distinct ones, and their range or the most frequent ones.

        print(describe(input_data["orders.csv"]))               # before you filter or add up anything
        [c["column"] for c in describe(rows) if c["missing"]]

    rows  a list of dicts; a list of plain values is a table with the one column "value"

    Returns a table of one row a column: column, type, values, missing, distinct, and min, median, max, mean, sum for
    numbers, min and max for other values, top (value, times) for all. Texts such as "1,234.5" are described as numbers
    when all values of the column are.
    """
    if isinstance(rows, (list, tuple)) and rows and not any(isinstance(row, dict) for row in rows):
        rows = [{"value": value} for value in rows]
    rows = _checked("describe", rows)
    columns = {}
    for row in rows:
        for name, value in row.items():
            values = columns.setdefault(name, [])
            if not _is_empty(value):
                values.append(value)
    return Table([_described(name, values, len(rows)) for name, values in columns.items()], rows=len(rows))


class Table(list):
    """A list of dicts that prints as a table."""

    rows = None

    def __init__(self, rows=(), /, **about):
        list.__init__(self, rows)
        self.rows = about.get("rows")

    def __repr__(self):
        names = list(dict.fromkeys(name for row in self if isinstance(row, dict) for name in row))
        shown = [row for row in self[:SHOWN_ROWS] if isinstance(row, dict)]
        lines = [[str(name) for name in names], *([_shown(row.get(name)) for name in names] for row in shown)]
        widths = [max(map(len, column)) for column in zip(*lines)]
        text = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in lines] if names else []
        if self.rows is not None:
            text.insert(0, f"{self.rows:,} row{'' if self.rows == 1 else 's'}")
        if len(self) > SHOWN_ROWS:
            text.append(f"… {len(self) - SHOWN_ROWS:,} more rows")
        return "\n".join(text) or "[]"

    __str__ = __repr__


def _described(name, values, rows):
    numbers = _as_numbers(values)
    times = Counter(map(_key, values))
    told = {
        "column": name,
        "type": _type_of(values, numbers),
        "values": len(values),
        "missing": rows - len(values),
        "distinct": len(times),
        **dict.fromkeys(("min", "median", "max", "mean", "sum")),
        "top": times.most_common(SHOWN_VALUES),
    }
    if numbers:
        told |= {"min": min(numbers), "median": statistics.median(numbers), "max": max(numbers)}
        told |= {"mean": statistics.fmean(numbers), "sum": sum(numbers)}
    elif values and not isinstance(values[0], (dict, list, bool)):
        try:
            told |= {"min": min(values), "max": max(values)}
        except TypeError:
            # Of several kinds: they have no order.
            pass
    return told


def _type_of(values, numbers):
    kinds = Counter(type(value).__name__ for value in values)
    kind = " or ".join(name for name, _ in kinds.most_common(SHOWN_VALUES)) or "empty"
    return f"{kind} (numbers)" if numbers and "str" in kinds else kind


def _checked(caller, rows):
    if isinstance(rows, (str, bytes, dict)) or not hasattr(rows, "__iter__"):
        raise TypeError(f"{caller}() takes a list of dicts, not {type(rows).__name__}")
    rows = list(rows)
    for index, row in enumerate(rows):
        if not isinstance(row, dict):
            raise TypeError(f"{caller}() takes a list of dicts; row {index} is {type(row).__name__}")
    return rows


def _key_reader(by):
    if isinstance(by, str):
        return lambda row: row.get(by)
    if isinstance(by, (list, tuple)) and by and all(isinstance(name, str) for name in by):
        return lambda row: tuple(row.get(name) for name in by)
    raise TypeError("group_by() groups by the name of a column, a list of names, or a function of a row")


def _maker(name, how):
    if callable(how):
        return how
    if not isinstance(how, tuple) or len(how) != 2 or not (callable(how[1]) or how[1] in _NAMED):
        raise TypeError(f"group_by() takes {name}=function of rows, or {name}=(column, how) with a function or one of {', '.join(map(repr, _NAMED))}")
    column, function = how[0], _NAMED.get(how[1], how[1]) if isinstance(how[1], str) else how[1]

    def make(rows):
        values = [row[column] for row in rows if column in row and not _is_empty(row[column])]
        if how[1] in _NUMERIC or function in (sum, min, max):
            values = _as_numbers(values) or values
        return function(values) if values or how[1] in ("count", "distinct", "list") else None

    return make


def _as_numbers(values):
    """The values as numbers; None when one of them is none."""
    numbers = []
    for value in values:
        if type(value) in (int, float):
            numbers.append(value)
            continue
        if not isinstance(value, str):
            return None
        text = value.strip()
        whole, _, rest = text.replace("-", "", 1).partition(".")
        groups = whole.split(",")
        plain = all(group.isdecimal() for group in groups) and all(len(group) == 3 for group in groups[1:]) and len(groups[0]) <= (3 if len(groups) > 1 else 18)
        # "007" is a code, not a number.
        if not plain or (rest and not rest.isdecimal()) or (len(whole) > 1 and whole[0] == "0") or "-" in text[1:]:
            return None
        text = text.replace(",", "")
        numbers.append(float(text) if rest else int(text.rstrip(".")))
    return numbers or None


def _is_empty(value):
    return value is None or value == "" or value != value


def _key(value):
    """The value, or what stands for one that cannot be hashed or does not equal itself."""
    if isinstance(value, tuple):
        return tuple(map(_key, value))
    if value != value:
        return None
    try:
        hash(value)
    except TypeError:
        return repr(value)
    return value


def _shown(value):
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, (int, float)):
        # A year is no amount.
        text = f"{value:,}" if isinstance(value, int) else f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.2f}"
        return text if abs(value) >= 10_000 else text.replace(",", "")
    if isinstance(value, list) and value and all(isinstance(one, tuple) and len(one) == 2 for one in value):
        return ", ".join(f"{_cut(one)} ×{times}" for one, times in value)
    return _cut(value)


def _cut(value):
    text = " ".join(str(value).split())
    return text if len(text) <= VALUE_CHARS else text[: VALUE_CHARS - 1] + "…"
