import {
  type Client,
  type WorkflowHandle,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
} from '@temporalio/client';
import { ActivityFailure, ApplicationFailure } from '@temporalio/common';
import {
  ANSWER_HUMAN_UPDATE,
  type AnswerHumanInput,
  caps,
  EDIT_VARIABLE_UPDATE,
  type EditVariableInput,
  EXTEND_BUDGET_UPDATE,
  type ExtendBudgetInput,
  FINISH_NOW_UPDATE,
  PAUSE_UPDATE,
  Progress,
  RESUME_UPDATE,
  runOwner,
  type SentValue,
  STEER_UPDATE,
} from '../protocol/index.ts';
import { canonicalJson, keptBy, putText, type Store } from '../store/index.ts';
import { InvalidRequest, ServerUnavailable } from './errors.ts';
import { toClientError } from './to-client-error.ts';

/** A run whose worker is away takes a request when it is back; nobody waits for it so long. */
const WAIT_MS = 60_000;

/**
 * Reaches into runs under way. Each method resolves with the run's progress when the run has taken the request, and
 * throws InvalidRequest with the run's reason when it refuses it. All wait for a worker of the run.
 */
export class RunSteering {
  readonly #temporal: Client;
  readonly #store: Store;

  constructor(temporal: Client, store: Store) {
    this.#temporal = temporal;
    this.#store = store;
  }

  /** A message that the root model sees at its next turn. A run whose answer is ready looks at it first. */
  async steer(workflowId: string, text: string): Promise<Progress> {
    return this.#update(workflowId, STEER_UPDATE, { text });
  }

  /** New limits, none below the present one: `{ costUsd: 5 }` lets the run spend $5 in all. Sending it twice extends once. */
  async extendBudget(workflowId: string, limits: ExtendBudgetInput): Promise<Progress> {
    return this.#update(workflowId, EXTEND_BUDGET_UPDATE, limits);
  }

  /** Nothing new starts until `resume`: no turn, no cell, no call. What is under way ends; a wall-clock limit goes on. */
  async pause(workflowId: string): Promise<Progress> {
    return this.#update(workflowId, PAUSE_UPDATE, null);
  }

  async resume(workflowId: string): Promise<Progress> {
    return this.#update(workflowId, RESUME_UPDATE, null);
  }

  /** Ends the run with its best draft and the reason `finishNow`; what is in flight is cancelled. */
  async finishNow(workflowId: string): Promise<Progress> {
    return this.#update(workflowId, FINISH_NOW_UPDATE, null);
  }

  /** Sets a variable of the REPL before its next cell: a text as `str`, any other JSON value as Python has it. `undefined` deletes it. */
  async editVariable(workflowId: string, variable: string, value: unknown): Promise<Progress> {
    const input: EditVariableInput = {
      variable,
      value: value === undefined ? null : await this.#sent(workflowId, value),
    };
    return this.#update(workflowId, EDIT_VARIABLE_UPDATE, input);
  }

  /** Answers a question of `ask_human`; `progress` lists those that wait. Python gets a text as it is, any other JSON value as `.data`. */
  async answerHuman(workflowId: string, question: string, answer: unknown): Promise<Progress> {
    const input: AnswerHumanInput = { question, answer: await this.#sent(workflowId, answer) };
    return this.#update(workflowId, ANSWER_HUMAN_UPDATE, input);
  }

  /** A large value goes by way of the store. */
  async #sent(workflowId: string, value: unknown): Promise<SentValue> {
    const format = typeof value === 'string' ? 'text' : 'json';
    const text = typeof value === 'string' ? value : jsonOf(value);
    if (text.length <= caps.UPDATE_TEXT_BYTES / 4) return { format, text };
    const { digest, sizeBytes } = await keptBy(runOwner(workflowId), () =>
      putText(this.#store, text),
    );
    return { format, blob: { digest, sizeBytes } };
  }

  async #update(workflowId: string, name: string, input: unknown): Promise<Progress> {
    const handle = this.#temporal.workflow.getHandle(workflowId);
    try {
      return Progress.parse(
        await this.#temporal.withDeadline(Date.now() + WAIT_MS, () =>
          handle.executeUpdate(name, { args: [input] }),
        ),
      );
    } catch (error) {
      if (error instanceof WorkflowUpdateFailedError) {
        // What the run's own activity found wrong is told by that.
        const cause = error.cause instanceof ActivityFailure ? error.cause.cause : error.cause;
        const why = cause instanceof ApplicationFailure ? cause.message : 'it ended meanwhile.';
        throw new InvalidRequest(`Run ${workflowId} refused this: ${why}`, { cause: error });
      }
      if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError) {
        throw new ServerUnavailable(
          `No worker took this up within ${WAIT_MS / 1000} s; run ${workflowId} takes it when one is back. Start a worker (rlm worker).`,
          { cause: error },
        );
      }
      // The server says NOT_FOUND of a run that has ended as well.
      if (error instanceof WorkflowNotFoundError && (await exists(handle))) {
        throw new InvalidRequest(`Run ${workflowId} has ended; it takes nothing more.`);
      }
      throw toClientError(error, { workflowId });
    }
  }
}

async function exists(handle: WorkflowHandle): Promise<boolean> {
  return handle.describe().then(
    () => true,
    () => false,
  );
}

function jsonOf(value: unknown): string {
  try {
    return canonicalJson(value);
  } catch (error) {
    throw new InvalidRequest('The value is not valid: expected text or JSON.', { cause: error });
  }
}
