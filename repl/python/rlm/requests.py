"""What a cell gives to the functions that ask models: checked, and as the host takes it."""

import binascii
import json

dumps = json.JSONEncoder(ensure_ascii=True).encode
MODEL_CHARS = 200
MOST_IMAGES = 20
IMAGE_BYTES = 20 * 1024 * 1024


def checked_prompt(name, prompt):
    if not isinstance(prompt, str):
        if isinstance(prompt, (list, tuple)):
            raise TypeError(f"{name}() takes one prompt (a str); for several prompts use {name}_batched([...])")
        raise TypeError(f"{name}() takes a prompt of type str, not {type(prompt).__name__}")
    if not prompt:
        raise ValueError(f"{name}() was given an empty prompt")
    return prompt


def checked_prompts(name, prompts):
    if isinstance(prompts, str):
        raise TypeError(f"{name}() takes a list of prompts; for one prompt use {name.replace('_batched', '')}(prompt)")
    return [checked_prompt(name, p) for p in prompts]


def checked_model(model):
    if model is not None and not isinstance(model, str):
        raise TypeError(f"model must be the name of a model (a str), not {type(model).__name__}")
    if model is not None and len(model) > MODEL_CHARS:
        raise ValueError(f"model must be the name of a model: this one has {len(model):,} characters")
    if model is not None and len(model.split()) != 1:
        raise ValueError(
            f"model must be the name of a model, not {model[:40]!r}: a model sees nothing but the prompt, so put a text that it needs into the prompt"
        )
    return None if model is None else str.__str__(model)


def with_system(prompt, system):
    if system is None:
        return prompt
    if not isinstance(system, str):
        raise TypeError(f"system must be a str, not {type(system).__name__}")
    return f"{system}\n\n{prompt}"


def checked_schema(schema):
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


def checked_images(images):
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


def checked_image_lists(name, images, count):
    """One list of images for each prompt."""
    if images is None:
        return [None] * count
    lists = list(images)
    if any(isinstance(item, (bytes, bytearray, memoryview)) for item in lists):
        raise TypeError(f"{name}() takes a list of images for each prompt: images=[[first], [second], ...]")
    if len(lists) != count:
        raise ValueError(f"{name}() was given {count} prompts and images for {len(lists)}")
    return lists


def extra_of(schema, images):
    """JSON of what a sub-call shows beside its prompt, or None. `schema` is JSON text."""
    shown = checked_images(images)
    extra = {} if schema is None else {"schema": schema}
    if shown:
        extra["images"] = shown
    return dumps(extra) if extra else None


def checked_context(context):
    """None, or (format, text)."""
    if context is None:
        return None
    if isinstance(context, str):
        return ("text", context)
    try:
        return ("json", json.dumps(context))
    except (TypeError, ValueError) as error:
        raise TypeError(f"context must be a str or data that json can hold: {error}") from None
