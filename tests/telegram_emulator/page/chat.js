// The page: one user's chat with the bot, followed as it changes.

import * as api from "./api.js";
import { Log } from "./messages.js";
import { Keyboard, alert, askForUser, enlarge, openMenu, part, showCommands, showPeople, toast } from "./parts.js";
import * as users from "./users.js";

const FIRST_PAUSE = 500; // ms before the stand-in is tried again; twice as long each time
const LONGEST_PAUSE = 4000;

const LOST = "Connection to the stand-in lost. Trying again…";

const log = new Log(part("log"), { press, command: say, enlarge });
const keyboard = new Keyboard(say);
const drafts = new Map();
/** Whether the newest message is in sight, and shall stay so. */
let atEnd = true;
/** The user shown, and what ends the requests made for this user. */
let shown = { user: undefined, ending: new AbortController() };

// What the stand-in tells.

async function follow({ user, ending: { signal } }) {
  let revision = null;
  let pause = FIRST_PAUSE;
  while (!signal.aborted) {
    try {
      const news = await api.chat(user, revision, signal);
      signal.throwIfAborted();
      showMessages(news.messages);
      const about = await api.about(user, signal);
      signal.throwIfAborted();
      showBot(about, user);
      ({ revision } = news);
      pause = FIRST_PAUSE;
      connected(true);
    } catch (error) {
      if (signal.aborted) return;
      report(error);
      // Without a number the answer comes at once, and after a restart the same number may mean another chat.
      revision = null;
      connected(false, error);
      await new Promise((resume) => setTimeout(resume, pause));
      pause = Math.min(2 * pause, LONGEST_PAUSE);
    }
  }
}

/** A refusal or a lost connection is told to the user; anything else is a fault of this page. */
function report(error) {
  if (!(error instanceof api.Lost || error instanceof api.Refused)) reportError(error);
}

function connected(yes, error) {
  const banner = part("lost");
  if (yes && !banner.hidden) toast("Connected again.");
  // Written only when it changes, or a screen reader would say it with every attempt.
  const text = yes ? "" : error instanceof api.Lost ? LOST : `Something is wrong: ${error.message}`;
  if (banner.textContent !== text) banner.textContent = text;
  banner.hidden = yes;
  document.body.dataset.connected = yes;
}

function showMessages(messages) {
  const root = part("log");
  const newest = Number(root.querySelector("article:last-of-type")?.dataset.id ?? 0);
  const mine = messages.some((one) => one.from === "user" && one.id > newest);
  log.show(messages);
  keyboard.show(messages);
  part("empty").hidden = messages.length > 0;
  if (atEnd || mine) toEnd();
  else if (messages.at(-1)?.id > newest) part("latest").hidden = false;
}

function showBot(bot, user) {
  const known = bot.id !== null;
  part("bot-name").textContent = known ? bot.name : "No bot yet";
  part("bot-about").textContent = known ? `@${bot.username}` : "It gets your messages once it calls.";
  document.querySelector(".face").textContent = known ? Array.from(bot.name)[0] : "?";
  part("description").textContent = bot.description;
  document.title = `${user.first_name} and ${known ? bot.name : "the bot"} (stand-in for Telegram)`;
  showCommands(bot.commands, say);
  part("block").hidden = part("composer").hidden = bot.blocked;
  part("blocked").hidden = !bot.blocked;
  if (bot.blocked) openMenu(false);
}

function toEnd() {
  part("log").scrollTop = part("log").scrollHeight;
  part("latest").hidden = true;
  atEnd = true;
}

// What the user does.

async function attempt(act) {
  try {
    await act();
    return true;
  } catch (error) {
    if (error.name === "AbortError") return false;
    report(error);
    toast(error.message);
    return false;
  }
}

function say(text) {
  const { user } = shown;
  openMenu(false);
  return attempt(() => api.write(user, text));
}

async function send() {
  const input = part("message");
  const text = input.value;
  if (!text.trim()) return;
  const { user } = shown;
  input.value = "";
  if (await say(text)) return;
  // Not sent: nobody shall have to write it again.
  if (shown.user === user) input.value = text + input.value;
  else drafts.set(user.id, text);
}

async function press(message, button, node) {
  const { user, ending } = shown;
  node.setAttribute("aria-busy", "true");
  await attempt(async () => {
    const answer = await api.press(user, message.id, button.data, ending.signal);
    if (ending.signal.aborted) return;
    if (!answer) toast("The bot has not answered this press for 30 seconds.");
    else if (answer.text && answer.show_alert) alert(answer.text);
    else if (answer.text) toast(answer.text);
  });
  node.removeAttribute("aria-busy");
}

function choose() {
  const input = part("message");
  if (shown.user) drafts.set(shown.user.id, input.value);
  shown.ending.abort();
  shown = { user: users.current(), ending: new AbortController() };
  input.value = drafts.get(shown.user.id) ?? "";
  log.clear();
  part("empty").hidden = true;
  keyboard.show([]);
  toEnd();
  openMenu(false);
  showPeople(shown.user);
  follow(shown);
  input.focus();
}

part("message").onkeydown = (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  send();
};
part("composer").onsubmit = (event) => {
  event.preventDefault();
  send();
};
part("start").onclick = () => say("/start");
part("menu").onclick = () => openMenu(part("commands").hidden);
part("latest").onclick = toEnd;
part("log").onscroll = ({ target }) => {
  atEnd = target.scrollHeight - target.scrollTop - target.clientHeight < 40;
  if (atEnd) part("latest").hidden = true;
};
new ResizeObserver(() => atEnd && toEnd()).observe(part("log"));
part("block").onclick = () => attempt(() => api.setBlocked(shown.user, true));
part("unblock").onclick = () => attempt(() => api.setBlocked(shown.user, false));
part("add-user").onclick = () =>
  askForUser((id) => {
    // The fragment of the user shown does not change, but the name may have.
    if (location.hash === `#${id}`) choose();
    else location.hash = id;
  });
addEventListener("hashchange", choose);
addEventListener("keydown", (event) => event.key === "Escape" && openMenu(false));
choose();
