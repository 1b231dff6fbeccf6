// The control API of the stand-in (README.md beside this folder), as far as a chat needs it.

const bot = new URLSearchParams(location.search).get("bot");
const LONGEST_SILENCE = 10; // seconds beyond those that an answer may wait

/** The stand-in can't be reached. */
export class Lost extends Error {}

/** The stand-in has refused a request; the text says why. */
export class Refused extends Error {}

async function call(method, path, { body, query = {}, signal } = {}) {
  const parameters = new URLSearchParams(bot ? { ...query, bot } : query);
  const silence = AbortSignal.timeout(1000 * (Number(query.wait ?? 0) + LONGEST_SILENCE));
  let response, answer;
  try {
    response = await fetch(`/control${path}?${parameters}`, {
      method,
      body: body && JSON.stringify(body),
      signal: signal ? AbortSignal.any([signal, silence]) : silence,
    });
    answer = await response.json();
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Lost("No connection to the stand-in.");
  }
  if (!response.ok) throw new Refused(answer.error ?? `HTTP ${response.status}`);
  return { answer, revision: response.headers.get("X-Chat-Revision") };
}

/** What the user sees: at once without a revision, else when the chat differs from it or ten seconds are over. */
export async function chat(user, revision, signal) {
  const query = revision === null ? {} : { revision, wait: 10 };
  const { answer, revision: current } = await call("GET", `/users/${user.id}/chat`, { query, signal });
  return { messages: answer, revision: current };
}

/** What the user sees of the bot besides messages: its name, its commands, whether it is blocked. */
export async function about(user, signal) {
  const query = user.language ? { language: user.language } : {};
  return (await call("GET", `/users/${user.id}/bot`, { query, signal })).answer;
}

export async function write(user, text) {
  const profile = { first_name: user.first_name, ...(user.language && { language_code: user.language }) };
  await call("POST", `/users/${user.id}/messages`, { body: { text, ...profile } });
}

/** Press a button; the bot's answer, or undefined when it has given none in half a minute. */
export async function press(user, messageId, data, signal) {
  const body = { message_id: messageId, data };
  const { answer: pressed } = await call("POST", `/users/${user.id}/callbacks`, { body });
  const query = { query: pressed.callback_query_id, wait: 30 };
  return (await call("GET", `/users/${user.id}/callbacks`, { query, signal })).answer[0];
}

export async function setBlocked(user, blocked) {
  await call("POST", `/users/${user.id}/${blocked ? "block" : "unblock"}`);
}
