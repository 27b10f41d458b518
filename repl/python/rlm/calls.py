"""Calls to models: what a cell asks for."""

from . import round_limits
from .replies import Reply, start_of_cell
from .requests import checked_context, checked_image_lists, checked_model, checked_prompt, checked_prompts, checked_schema, extra_of, with_system


class Call:
    __slots__ = ("number", "kind", "prompt", "model", "context", "tool", "extra", "reply", "waiter", "callback", "given_up")

    def __init__(self, kind, prompt, model, context, tool, extra):
        self.number = None
        self.kind = kind
        self.prompt = prompt
        self.model = model
        self.context = context
        self.tool = tool
        # JSON of what a model is shown beside the prompt, or None.
        self.extra = extra
        self.reply = None
        self.waiter = None
        self.callback = None
        self.given_up = False


class _Waiter:
    __slots__ = ("stack", "left")

    def __init__(self, stack, left):
        self.stack = stack
        self.left = left


class Desk:
    """Calls that wait for an answer. `fresh` are those that the host has not been told of, `turned_away` those beyond a round's limits."""

    def __init__(self, scheduler):
        self.scheduler = scheduler
        self.limit = 1000
        self.reset()

    def reset(self):
        self.count = 0
        self.open = {}
        self.fresh = []
        self.turned_away = []
        self.kinds_turned_away = []
        start_of_cell()

    def make_room(self, count):
        """Refuses so many more calls before the first of them is made: none is left behind that nobody waits for."""
        if self.scheduler.pending_calls + count > self.limit:
            raise RuntimeError(
                f"too many calls wait at the same time: at most {self.limit}; ask in smaller batches"
            )

    def ask(self, kind, prompt, model=None, context=None, tool=None, extra=None):
        self.make_room(1)
        call = Call(kind, prompt, model, context, tool, extra)
        self.fresh.append(call)
        self.scheduler.pending_calls += 1
        return call

    def take(self):
        """The calls that the host has not been told of, numbered now: one given up before that is never made."""
        taken, beyond = round_limits.split(self.fresh)
        self.fresh = []
        self.turned_away += beyond
        self.kinds_turned_away += [call.kind for call, _ in beyond]
        for call in taken:
            self.count += 1
            call.number = self.count
            self.open[call.number] = call
        return taken

    def give_up(self, call):
        """Nobody waits for this call any more. Its answer, should it come, is dropped."""
        if call.reply is None and not call.given_up:
            call.given_up = True
            self.scheduler.pending_calls -= 1
            if call.number is None:
                self.fresh.remove(call)

    def wait(self, calls):
        waiting = [c for c in calls if c.reply is None]
        if waiting:
            waiter = _Waiter(self.scheduler.current, len(waiting))
            for call in waiting:
                call.waiter = waiter
            try:
                while waiter.left:
                    self.scheduler.park()
            except BaseException:
                for call in waiting:
                    self.give_up(call)
                raise
        return [c.reply for c in calls]

    def deliver(self, answers):
        """`answers`: (call number, reply) in call order. Calls that were turned away end with the first delivery to their round: who tries them again is in the next one."""
        turned_away, self.turned_away = self.turned_away, []
        for call, reply in [(self.open.pop(number), reply) for number, reply in answers] + turned_away:
            call.reply = reply
            if call.given_up:
                continue
            self.scheduler.pending_calls -= 1
            if call.waiter is not None:
                call.waiter.left -= 1
                if call.waiter.left == 0:
                    self.scheduler.wake(call.waiter.stack)
            if call.callback is not None:
                call.callback(reply)


def make_future_of(desk, asyncio):
    def future_of(call):
        loop = asyncio.get_running_loop()
        future = loop.create_future()

        def settle(reply):
            def set_result():
                if not future.done():
                    future.set_result(reply)

            loop.hold_time()
            loop.call_soon_threadsafe(set_result)

        call.callback = settle
        future.add_done_callback(lambda f: desk.give_up(call) if f.cancelled() else None)
        return future

    return future_of


def make_functions(desk, future_of):
    def llm(name, prompt, model, system, extra):
        return desk.ask("llm", with_system(checked_prompt(name, prompt), system), checked_model(model), extra=extra)

    def llm_query(
        prompt: str,
        model: str | None = None,
        *,
        system: str | None = None,
        schema: dict | None = None,
        images: list[bytes] | None = None,
    ) -> Reply:
        """Ask a language model and wait for its answer.

            reply = llm_query(f"Which of these clauses limit liability?\\n\\n{text}")
            if ok(reply): print(reply)
            else: print("failed:", reply.error)

        The model sees nothing but `prompt`: put everything it needs into it (it takes about 100,000 characters
        comfortably). Returns the answer as a string; a failed call returns a string with `.error` set, test with ok(reply).

        model   name of another model than the usual one
        system  what the model is told before the prompt
        images  images (PNG, JPEG, GIF or WebP as bytes) that the model sees with the prompt
        schema  JSON Schema that the answer has to satisfy; it is then in `.data`:
                    llm_query(f"Who signed?\\n\\n{text}", schema={"type": "object",
                        "properties": {"names": {"type": "array", "items": {"type": "string"}}}}).data

        One after the other is slow. In parallel:
            replies = llm_query_batched([f"Summarize:\\n{c}" for c in chunks])
            with ThreadPoolExecutor() as pool: replies = list(pool.map(llm_query, prompts))
            replies = await asyncio.gather(*[llm_query_async(p) for p in prompts])
        """
        return desk.wait([llm("llm_query", prompt, model, system, extra_of(checked_schema(schema), images))])[0]

    def llm_query_batched(
        prompts: list[str],
        model: str | None = None,
        *,
        system: str | None = None,
        schema: dict | None = None,
        images: list[list[bytes]] | None = None,
    ) -> list[Reply]:
        """Ask a language model all prompts in parallel. Returns the answers in the order of the prompts.

            chunks = chunk_text(input_data)
            replies = llm_query_batched([f"List the dates in this text:\\n\\n{c}" for c in chunks])
            for chunk, reply in zip(chunks, replies):
                print(chunk.start, reply if ok(reply) else f"failed: {reply.error}")

        A failed call does not fail the others: its reply has `.error` set, test with ok(reply). `model`, `system` and
        `schema` hold for all, `images` is a list of images for each prompt; see help(llm_query).
        """
        prompts = checked_prompts("llm_query_batched", prompts)
        schema = checked_schema(schema)
        shown = checked_image_lists("llm_query_batched", images, len(prompts))
        extras = [extra_of(schema, i) for i in shown]
        desk.make_room(len(prompts))
        return desk.wait([llm("llm_query_batched", p, model, system, e) for p, e in zip(prompts, extras)])

    async def llm_query_async(
        prompt: str,
        model: str | None = None,
        *,
        system: str | None = None,
        schema: dict | None = None,
        images: list[bytes] | None = None,
    ) -> Reply:
        """Like llm_query, for asyncio: `await asyncio.gather(*[llm_query_async(p) for p in prompts])` runs in parallel."""
        return await future_of(llm("llm_query_async", prompt, model, system, extra_of(checked_schema(schema), images)))

    def rlm_query(prompt: str, context=None, model: str | None = None) -> Reply:
        """Hand a whole task to a sub-run: a model with its own Python session, which can search and ask sub-models itself.

            reply = rlm_query("Which obligations survive termination? Quote each.", context=contract)
            replies = rlm_query_batched(["Summarize the risks."] * len(docs), contexts=docs)      # in parallel

        `context` (a str, or data that json can hold) becomes its `input_data`. Costs far more than llm_query: use it
        for a part that needs several steps of its own.
        """
        return desk.wait([desk.ask("rlm", checked_prompt("rlm_query", prompt), checked_model(model), checked_context(context))])[0]

    def rlm_query_batched(prompts: list[str], contexts=None, model: str | None = None) -> list[Reply]:
        """Start a sub-run for each prompt, all in parallel. `contexts`: None, or one for each prompt.

        One round holds 100 sub-runs: those beyond it fail.
        """
        prompts = checked_prompts("rlm_query_batched", prompts)
        contexts = [None] * len(prompts) if contexts is None else list(contexts)
        if len(contexts) != len(prompts):
            raise ValueError(f"rlm_query_batched() was given {len(prompts)} prompts and {len(contexts)} contexts")
        model = checked_model(model)
        contexts = [checked_context(c) for c in contexts]
        desk.make_room(len(prompts))
        return desk.wait([desk.ask("rlm", p, model, c) for p, c in zip(prompts, contexts)])

    async def rlm_query_async(prompt: str, context=None, model: str | None = None) -> Reply:
        """Like rlm_query, for asyncio."""
        return await future_of(
            desk.ask("rlm", checked_prompt("rlm_query_async", prompt), checked_model(model), checked_context(context))
        )

    return [llm_query, llm_query_batched, llm_query_async, rlm_query, rlm_query_batched, rlm_query_async]
