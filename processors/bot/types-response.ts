/** What a bot says, in its variants, languages and forms for channels. */
import type { Template } from './types-flow.js';

export interface QuickReplyDefinition {
  readonly title: Template;
  readonly payload: string;
}

/** Exactly one of `url` and `payload` is not null. */
export interface ButtonDefinition {
  readonly title: Template;
  /** https; places in it are percent-encoded and stand behind the host only. */
  readonly url: Template | null;
  readonly payload: string | null;
}

export interface ImageDefinition {
  /** https. */
  readonly url: Template;
  /** Said where the image is not shown. */
  readonly alt: Template;
}

export interface ResponseContent {
  /** Each variant is a list of bubbles. */
  readonly variants: readonly (readonly Template[])[];
  /** Offered with the last bubble. */
  readonly quickReplies: readonly QuickReplyDefinition[];
  /** Stand under the last bubble. */
  readonly buttons: readonly ButtonDefinition[];
  /** Goes with the first bubble. */
  readonly image: ImageDefinition | null;
}

/** The response in one language, on one channel, or both. */
export interface ResponseForm extends ResponseContent {
  /** One of the bot's languages; null for its first. */
  readonly locale: string | null;
  readonly channel: string | null;
}

/** The response itself is its form for the bot's first language and any channel; `formOf` (response-form.ts) chooses. */
export interface ResponseDefinition extends ResponseContent {
  readonly name: string;
  /** The others. */
  readonly forms: readonly ResponseForm[];
  /** The language model may say it in other words. */
  readonly rephrase: boolean;
}
