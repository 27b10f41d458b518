"""Lets the tests here import the prelude, rlm, from its folder"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[3] / "repl" / "python"))
