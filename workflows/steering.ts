import {
  ApplicationFailure,
  condition,
  defineUpdate,
  proxyActivities,
  setHandler,
} from '@temporalio/workflow';
import { z } from 'zod';
import type { Activities } from '../activities/index.ts';
import {
  ANSWER_HUMAN_UPDATE,
  AnswerHumanInput,
  type Budget,
  caps,
  EDIT_VARIABLE_UPDATE,
  EditVariableInput,
  EXTEND_BUDGET_UPDATE,
  ExtendBudgetInput,
  FailureType,
  FINISH_NOW_UPDATE,
  PAUSE_UPDATE,
  type Progress,
  RESUME_UPDATE,
  STEER_UPDATE,
  SteerInput,
} from '../protocol/index.ts';
import { LIGHT } from './activity-options.ts';
import { answerQuestion, checkAsked } from './human-questions.ts';
import { pauseTree, pauseTreeSignal } from './pause-tree.ts';
import { progressOf } from './report.ts';
import type { RunContext } from './run-context.ts';

const { storeValue } = proxyActivities<Activities>(LIGHT);

/** How one kind of steering works. `check` throws when the run is in no state for it; `apply` does it. */
interface Steering<T> {
  schema: z.ZodType<T>;
  check?: (context: RunContext, input: T) => void;
  apply: (context: RunContext, input: T) => void | Promise<void>;
}

/**
 * What people may ask of a run under way. All are updates: whoever asks must learn whether the run took it or why
 * not, which a signal cannot say, and a refused one leaves nothing in the history. Each answers with the run's
 * progress. One that comes while the run is still being prepared waits for that.
 */
export function installSteering(current: () => RunContext | undefined): void {
  // Update: the model is sure to see a message that was taken, so the sender must know that it was.
  on(current, STEER_UPDATE, {
    schema: SteerInput,
    check: ({ state }) => {
      if (state.steering.messages.length < caps.STEER_MESSAGES) return;
      throw refusal(`${caps.STEER_MESSAGES} messages wait for the model's next turn already.`);
    },
    apply: ({ state }, { text }) => {
      state.steering.messages.push(`Message from a person who follows this run: ${text}`);
    },
  });
  // Update: money is involved, and a limit that cannot be extended must be refused. Absolute limits: safe to send twice.
  on(current, EXTEND_BUDGET_UPDATE, {
    schema: ExtendBudgetInput,
    check: ({ state }, limits) => checkLimits(state.resolved.budget, limits),
    apply: ({ state }, limits) => {
      Object.assign(state.resolved.budget, limits);
    },
  });
  // Update: who pauses a run wants to know that nothing new starts from here on. Pausing twice is pausing once.
  on(current, PAUSE_UPDATE, {
    schema: z.unknown(),
    apply: (context) => pauseTree(context, true),
  });
  // Update: the counterpart of pause.
  on(current, RESUME_UPDATE, {
    schema: z.unknown(),
    apply: (context) => pauseTree(context, false),
  });
  // Signal: the parent that sends it has told the person already, and waits for nothing.
  setHandler(pauseTreeSignal, async (paused) => {
    await condition(() => current() !== undefined);
    const context = current();
    if (context !== undefined && context.phase !== 'ended') await pauseTree(context, paused);
  });
  // Update, not cancellation: the run is to end well, with its best draft as the result.
  on(current, FINISH_NOW_UPDATE, {
    schema: z.unknown(),
    apply: ({ state }) => {
      state.steering.finish = true;
    },
  });
  // Update: it is refused for a value that is not in the store. Stored by an activity, since a workflow cannot hash.
  on(current, EDIT_VARIABLE_UPDATE, {
    schema: EditVariableInput,
    check: (_, { variable }) => {
      if (!variable.startsWith('_')) return;
      throw refusal(`${variable}: names that begin with an underscore are the session's own.`);
    },
    apply: async ({ state }, { variable, value }) => {
      if (value === null) state.steering.edits.push({ kind: 'delete', variable });
      else {
        const summary = { summary: `value for the variable ${variable}` };
        const { digest } = await storeValue.executeWithOptions(summary, [value]);
        state.steering.edits.push({ kind: 'set', variable, format: value.format, blob: digest });
      }
      state.steering.messages.push(
        `A person has ${value === null ? 'deleted' : 'set'} the variable \`${variable}\`; your next cell finds it so.`,
      );
    },
  });
  // Update: an answer to a question that nobody asked, or that is answered, is refused.
  on(current, ANSWER_HUMAN_UPDATE, {
    schema: AnswerHumanInput,
    check: (context, { question }) => checkAsked(context, question),
    apply: (context, { question, answer }) =>
      answerQuestion(context, question, async () => {
        const summary = { summary: `answer to question ${question}` };
        return (await storeValue.executeWithOptions(summary, [answer])).digest;
      }),
  });
}

function on<T>(
  current: () => RunContext | undefined,
  name: string,
  { schema, check, apply }: Steering<T>,
): void {
  const checked = (context: RunContext, input: T): void => {
    if (context.phase === 'ended') throw refusal('The run has ended.');
    if (context.state.steering.finish && name !== FINISH_NOW_UPDATE) {
      throw refusal('The run is being ended.');
    }
    check?.(context, input);
  };
  setHandler(
    defineUpdate<Progress, [unknown]>(name),
    async (raw) => {
      const input = parse(schema, raw);
      await condition(() => current() !== undefined);
      const context = current();
      if (context === undefined) throw refusal('The run has not begun.');
      checked(context, input);
      await apply(context, input);
      return progressOf(context);
    },
    {
      // Synchronous and only reading: what it refuses never enters the history.
      validator: (raw) => {
        const input = parse(schema, raw);
        const context = current();
        if (context !== undefined) checked(context, input);
      },
    },
  );
}

function parse<T>(schema: z.ZodType<T>, raw: unknown): T {
  const parsed = schema.safeParse(raw);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw refusal(`${issue?.path.join('.') || 'argument'}: ${issue?.message ?? 'not valid'}.`);
}

const LIMITS = ['turns', 'calls', 'costUsd', 'tokens', 'wallClockMs', 'computeMs'] as const;

function checkLimits(budget: Budget, limits: ExtendBudgetInput): void {
  for (const name of LIMITS) {
    const [now, next] = [budget[name] ?? null, limits[name]];
    if (next === undefined) continue;
    if (now === null) throw refusal(`${name}: the run has no such limit.`);
    if (next !== null && next < now) {
      throw refusal(`${name}: expected at least the present limit, ${now}; got ${next}.`);
    }
  }
}

function refusal(message: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(message, FailureType.invalidInput);
}
