/** Record keys of every conversation topic: `<tenant>/<conversationId>`; neither part contains `/`. */

export interface ConversationKey {
  readonly tenant: string;
  readonly conversationId: string;
}

export const DEFAULT_TENANT = 'default';
export const TENANT_FORM = /^[a-z0-9][a-z0-9-]{0,39}$/;
export const CONVERSATION_ID_FORM = /^[A-Za-z0-9._:-]{1,128}$/;

export function conversationKey(tenant: string, conversationId: string): string {
  return `${tenant}/${conversationId}`;
}

export function splitConversationKey(key: string): ConversationKey {
  const cut = key.indexOf('/');
  return { tenant: key.slice(0, cut), conversationId: key.slice(cut + 1) };
}
