import type {
  ChatCompletionChunk,
  ChatCompletionFunctionTool,
  ChatCompletionMessageParam,
} from 'openai/resources/chat/completions';
import type { PromptMessage } from './prompt-message.ts';

/** A call of the tool as the model wrote it; `arguments` is what should be JSON. */
export interface ToolCall {
  readonly id: string;
  readonly arguments: string;
}

/** The one tool offered to models that write their cells as calls. */
export const PYTHON_TOOL: ChatCompletionFunctionTool = {
  type: 'function',
  function: {
    name: 'python',
    description:
      'Runs one cell of Python in the persistent REPL. You are shown its output, errors and changed variables.',
    parameters: {
      type: 'object',
      properties: { code: { type: 'string', description: 'Python source of the cell' } },
      required: ['code'],
      additionalProperties: false,
    },
  },
};

/** Calls that a reply may make; the rest is dropped. Above the cells that are run, so that a model is told of those too many. */
const MOST_CALLS = 40;

/** Puts the calls of a streamed reply together from its pieces. */
export class ToolCallCollector {
  readonly #calls = new Map<number, { id: string; arguments: string }>();

  add(delta: ChatCompletionChunk.Choice.Delta | undefined): void {
    for (const { index, id, function: piece } of delta?.tool_calls ?? []) {
      const call = this.#calls.get(index) ?? { id: '', arguments: '' };
      call.id ||= id ?? '';
      call.arguments += piece?.arguments ?? '';
      if (this.#calls.has(index) || this.#calls.size < MOST_CALLS) this.#calls.set(index, call);
    }
  }

  /** Ids of the calls by the model's numbers. */
  get ids(): Map<number, string> {
    return new Map([...this.#calls].map(([index, { id }]) => [index, idOf(id, index)]));
  }

  get chars(): number {
    return [...this.#calls.values()].reduce((sum, call) => sum + call.arguments.length, 0);
  }

  /** In the order of the model's numbers. A call without an id gets one: the transcript must name each. */
  get calls(): ToolCall[] {
    return [...this.#calls]
      .toSorted(([a], [b]) => a - b)
      .map(([index, call]) => ({ ...call, id: idOf(call.id, index) }));
  }
}

function idOf(id: string, index: number): string {
  return id || `call-${index}`;
}

/** A message of the transcript as the API wants it. */
export function toWireMessage(message: PromptMessage): ChatCompletionMessageParam {
  const { role, content, calls, callId, images = [], items } = message;
  if (role === 'tool') return { role, content, tool_call_id: callId ?? '' };
  if (role === 'user' && images.length > 0) {
    const shown = images.map(({ mediaType, base64 }) => ({
      type: 'image_url' as const,
      image_url: { url: `data:${mediaType};base64,${base64}` },
    }));
    return { role, content: [{ type: 'text', text: content }, ...shown] };
  }
  if (role !== 'assistant') return { role, content };
  if (calls === undefined || calls.length === 0) {
    // Some servers refuse an empty message, and this one is in every later prompt.
    return { ...items?.message, role, content: content === '' ? '(empty reply)' : content };
  }
  return {
    ...items?.message,
    role,
    content: content === '' ? null : content,
    tool_calls: calls.map((call) => ({
      ...items?.calls[call.id],
      id: call.id,
      type: 'function',
      function: { name: PYTHON_TOOL.function.name, arguments: call.arguments },
    })),
  };
}

/** The code of a call; null when its arguments are not what the tool asks for. A JSON string is taken for the code. */
export function codeOf(call: ToolCall): string | null {
  try {
    const parsed: unknown = JSON.parse(call.arguments);
    if (typeof parsed === 'string') return parsed;
    const code: unknown = Reflect.get(Object(parsed), 'code');
    return typeof code === 'string' ? code : null;
  } catch {
    return null;
  }
}
