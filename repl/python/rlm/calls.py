"""Calls to models: what a cell asks for."""

import binascii
import json

from .replies import Reply, start_of_cell

dumps = json.JSONEncoder(ensure_ascii=True).encode
MODEL_CHARS = 200
MOST_IMAGES = 20
IMAGE_BYTES = 20 * 1024 * 1024


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
    """Calls that wait for an answer. `fresh` are those that the host has not been told of."""

    def __init__(self, scheduler):
        self.scheduler = scheduler
        self.limit = 1000
        self.reset()

    def reset(self):
        self.count = 0
        self.open = {}
        self.fresh = []
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
        taken, self.fresh = self.fresh, []
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
        """`answers`: (call number, reply) in call order."""
        for number, reply in answers:
            call = self.open.pop(number)
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


def _checked_prompt(name, prompt):
    if not isinstance(prompt, str):
        if isinstance(prompt, (list, tuple)):
            raise TypeError(f"{name}() takes one prompt (a str); for several prompts use {name}_batched([...])")
        raise TypeError(f"{name}() takes a prompt of type str, not {type(prompt).__name__}")
    if not prompt:
        raise ValueError(f"{name}() was given an empty prompt")
    return prompt


def _checked_prompts(name, prompts):
    if isinstance(prompts, str):
        raise TypeError(f"{name}() takes a list of prompts; for one prompt use {name.replace('_batched', '')}(prompt)")
    return [_checked_prompt(name, p) for p in prompts]


def _checked_model(model):
    if model is not None and not isinstance(model, str):
        raise TypeError(f"model must be the name of a model (a str), not {type(model).__name__}")
    if model is not None and len(model) > MODEL_CHARS:
        raise ValueError(f"model must be the name of a model: this one has {len(model):,} characters")
    if model is not None and len(model.split()) != 1:
        raise ValueError(
            f"model must be the name of a model, not {model[:40]!r}: a model sees nothing but the prompt, so put a text that it needs into the prompt"
        )
    return None if model is None else str.__str__(model)


def _with_system(prompt, system):
    if system is None:
        return prompt
    if not isinstance(system, str):
        raise TypeError(f"system must be a str, not {type(system).__name__}")
    return f"{system}\n\n{prompt}"


def _checked_schema(schema):
    """JSON text, or None."""
    if schema is None:
        return None
    if not isinstance(schema, dict):
        raise TypeError(f"schema must be a JSON Schema (a dict), not {type(schema).__name__}")
    try:
        return json.dumps(schema, ensure_ascii=False)
    except (TypeError, ValueError) as error:
        raise TypeError(f"schema must be a JSON Schema that json can hold: {error}") from None


def _media_type(data):
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "image/webp"
    return None


def _checked_images(images):
    """A list of {"mediaType", "base64"}."""
    if images is None:
        return []
    if isinstance(images, (str, bytes, bytearray, memoryview)) or not hasattr(images, "__iter__"):
        raise TypeError(f"images must be a list of images (bytes), not {type(images).__name__}")
    checked, size = [], 0
    for image in images:
        if len(checked) == MOST_IMAGES:
            raise ValueError(f"a call shows at most {MOST_IMAGES} images")
        if not isinstance(image, (bytes, bytearray, memoryview)):
            hint = ': read its file with open(path, "rb").read()' if isinstance(image, str) else ""
            raise TypeError(f"an image must be bytes, not {type(image).__name__}{hint}")
        data = bytes(image)
        size += len(data)
        if size > IMAGE_BYTES:
            raise ValueError(f"the images of a call have at most {IMAGE_BYTES:,} bytes together")
        media_type = _media_type(data)
        if media_type is None:
            raise ValueError(f"an image must be PNG, JPEG, GIF or WebP; this one begins with {data[:8]!r}")
        checked.append({"mediaType": media_type, "base64": binascii.b2a_base64(data, newline=False).decode("ascii")})
    return checked


def _checked_image_lists(name, images, count):
    """One list of images for each prompt."""
    if images is None:
        return [None] * count
    lists = list(images)
    if any(isinstance(item, (bytes, bytearray, memoryview)) for item in lists):
        raise TypeError(f"{name}() takes a list of images for each prompt: images=[[first], [second], ...]")
    if len(lists) != count:
        raise ValueError(f"{name}() was given {count} prompts and images for {len(lists)}")
    return lists


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
    def llm(name, prompt, model, system, schema, images):
        """`schema` is JSON text here."""
        prompt = _with_system(_checked_prompt(name, prompt), system)
        shown = _checked_images(images)
        extra = {} if schema is None else {"schema": schema}
        if shown:
            extra["images"] = shown
        return desk.ask("llm", prompt, _checked_model(model), extra=dumps(extra) if extra else None)

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
        return desk.wait([llm("llm_query", prompt, model, system, _checked_schema(schema), images)])[0]

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
        prompts = _checked_prompts("llm_query_batched", prompts)
        schema = _checked_schema(schema)
        shown = _checked_image_lists("llm_query_batched", images, len(prompts))
        desk.make_room(len(prompts))
        return desk.wait([llm("llm_query_batched", p, model, system, schema, i) for p, i in zip(prompts, shown)])

    async def llm_query_async(
        prompt: str,
        model: str | None = None,
        *,
        system: str | None = None,
        schema: dict | None = None,
        images: list[bytes] | None = None,
    ) -> Reply:
        """Like llm_query, for asyncio: `await asyncio.gather(*[llm_query_async(p) for p in prompts])` runs in parallel."""
        return await future_of(llm("llm_query_async", prompt, model, system, _checked_schema(schema), images))

    def rlm_query(prompt: str, context=None, model: str | None = None) -> Reply:
        """Hand a whole task to a sub-run: a model with its own Python session, which can search and ask sub-models itself.

            reply = rlm_query("Which obligations survive termination? Quote each.", context=contract)
            replies = rlm_query_batched(["Summarize the risks."] * len(docs), contexts=docs)      # in parallel

        `context` (a str, or data that json can hold) becomes its `input_data`. Costs far more than llm_query: use it
        for a part that needs several steps of its own.
        """
        return desk.wait([desk.ask("rlm", _checked_prompt("rlm_query", prompt), _checked_model(model), _checked_context(context))])[0]

    def rlm_query_batched(prompts: list[str], contexts=None, model: str | None = None) -> list[Reply]:
        """Start a sub-run for each prompt, all in parallel. `contexts`: None, or one for each prompt."""
        prompts = _checked_prompts("rlm_query_batched", prompts)
        contexts = [None] * len(prompts) if contexts is None else list(contexts)
        if len(contexts) != len(prompts):
            raise ValueError(f"rlm_query_batched() was given {len(prompts)} prompts and {len(contexts)} contexts")
        model = _checked_model(model)
        contexts = [_checked_context(c) for c in contexts]
        desk.make_room(len(prompts))
        return desk.wait([desk.ask("rlm", p, model, c) for p, c in zip(prompts, contexts)])

    async def rlm_query_async(prompt: str, context=None, model: str | None = None) -> Reply:
        """Like rlm_query, for asyncio."""
        return await future_of(
            desk.ask("rlm", _checked_prompt("rlm_query_async", prompt), _checked_model(model), _checked_context(context))
        )

    return [llm_query, llm_query_batched, llm_query_async, rlm_query, rlm_query_batched, rlm_query_async]


def _checked_context(context):
    """None, or (format, text)."""
    if context is None:
        return None
    if isinstance(context, str):
        return ("text", context)
    try:
        return ("json", json.dumps(context))
    except (TypeError, ValueError) as error:
        raise TypeError(f"context must be a str or data that json can hold: {error}") from None
