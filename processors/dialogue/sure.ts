/** How sure of an intent one has to be for what. */

/** A text that may be an answer as well is about something else. */
export const SURE = 0.75;

/** An open question that takes any text is left: whatever people call themselves reads like some intent. */
export const SURE_OF_TEXT = 0.9;

/** In the middle of a flow a text without a word for it is taken for a wish to stop. */
export const SURE_OF_CANCEL = 0.6;
