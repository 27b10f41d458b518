/**
 * Cells that every kernel runs before its base image is taken. They grow what is not in linear memory (the function
 * table, Pyodide's tables of references), and load what first cells use, so that a first cell changes few pages.
 */
export const WARM_UP_CELLS: readonly string[] = [
  `import asyncio, collections, concurrent.futures, datetime, functools, itertools, json, math, random, re, statistics, string, textwrap, threading, time
from concurrent.futures import ThreadPoolExecutor, as_completed
with ThreadPoolExecutor() as _p:
    _r = list(_p.map(lambda s: llm_query(s) + llm_query(s), "abcdefghijklmnop"))
    _f = [_p.submit(llm_query, s) for s in "abc"]
    [f.result() for f in as_completed(_f)]
llm_query_batched(list("abc")); llm_query("é…"); llm_query("x")
_t = [threading.Thread(target=lambda: llm_query("t")) for _ in range(3)]
[t.start() for t in _t]; [t.join() for t in _t]
async def _m():
    return await asyncio.gather(llm_query_async("a"), llm_query_async("b"), asyncio.to_thread(llm_query, "c"), asyncio.sleep(1))
asyncio.run(_m())
time.sleep(1)
`,
  'import asyncio\nx = await asyncio.gather(llm_query_async("a"), llm_query_async("b"))\nx',
  'print(search_text("# A\\nindemnify\\n# B\\nfoo", "INDEM"), chunk_text("abc"))\nSHOW_VARS()\nFINAL({"a": 1})\nopen("/tmp/w", "w").write("x")\nimport os\nos.remove("/tmp/w")',
  'import re\nre.search("(a|b)+c", "ababc", re.I)\ndef f(n): return f(n + 1)\nf(0)',
  '1/0',
  'def (:',
];
