import { DEMO_QUESTION } from '../../examples/demo/question.ts';

export interface Message {
  role: string;
  content: string;
}

export const SYSTEM: Message = { role: 'system', content: 'You answer questions.' };
export const QUESTION: Message = { role: 'user', content: `# Question\n\n${DEMO_QUESTION}\n` };

/** Asks the stand-in at this URL for a chat completion. */
export async function post(
  model: string,
  messages: Message[],
  more: object,
  baseUrl: string,
): Promise<Response> {
  return await fetch(`${baseUrl}/chat/completions`, {
    method: 'POST',
    body: JSON.stringify({ model, messages, ...more }),
  });
}
