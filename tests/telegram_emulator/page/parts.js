// The pieces around the log: people, commands, the reply keyboard, toasts and dialogs.

import { element } from "./text.js";
import * as users from "./users.js";

const TOAST_MS = 6000;

export const part = (id) => document.getElementById(id);

/** A short word that goes away by itself. A popover lies above dialogs, too. */
export function toast(text) {
  const node = part("toast");
  clearTimeout(toast.timer);
  // Shown first: a live region that was not there when its text came is not read out.
  node.showPopover();
  node.textContent = text;
  toast.timer = setTimeout(() => node.hidePopover(), TOAST_MS);
}

export function alert(text) {
  part("alert-text").textContent = text;
  if (!part("alert").open) part("alert").showModal();
}

export function enlarge(file, description) {
  const image = part("photo").querySelector("img");
  image.src = file.url;
  image.alt = description;
  part("photo").showModal();
}

export function showPeople(chosen) {
  const listed = users.load();
  const rows = listed.map((user) => {
    const name = element("span", { className: "name" }, user.first_name);
    const detail = element("span", { className: "detail" }, [user.id, user.language].filter(Boolean).join(" · "));
    const link = element("a", { href: `#${user.id}` }, name, " ", detail);
    const row = element("li", {}, link);
    if (user.id === chosen.id) link.setAttribute("aria-current", "true");
    else row.append(remover(user, chosen));
    return row;
  });
  part("people").replaceChildren(...rows);
  part("people").querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
}

function remover(user, chosen) {
  const remove = () => {
    users.remove(user.id);
    showPeople(chosen);
  };
  const title = `Remove ${user.first_name} from the list`;
  const names = { title, "aria-label": title, className: "remove" };
  return element("button", { type: "button", onclick: remove, ...names }, "×");
}

/** Ask for a user; `done` gets its id. */
export function askForUser(done) {
  const dialog = part("new-user");
  const form = dialog.querySelector("form");
  form.reset();
  form.elements.id.value = Math.max(...users.load().map((one) => one.id)) + 1;
  part("cancel").onclick = () => dialog.close();
  form.onsubmit = () => {
    const { id, first_name, language } = Object.fromEntries(new FormData(form));
    users.add({ id: Number(id), first_name: first_name.trim() || `User ${id}`, language });
    done(Number(id));
  };
  dialog.showModal();
  form.elements.first_name.focus();
}

export function showCommands(commands, choose) {
  const content = JSON.stringify(commands);
  // Who walks through them with the keyboard must not lose the place.
  if (part("commands").dataset.content === content) return;
  part("commands").dataset.content = content;
  const buttons = commands.map(({ command, description }) => {
    const name = element("span", { className: "name" }, `/${command}`);
    const detail = element("span", { className: "detail" }, description);
    return element("button", { type: "button", onclick: () => choose(`/${command}`) }, name, " ", detail);
  });
  part("commands").replaceChildren(...buttons);
  part("menu").hidden = !commands.length;
  if (!commands.length) openMenu(false);
}

export function openMenu(open) {
  part("commands").hidden = !open;
  part("menu").setAttribute("aria-expanded", String(open));
}

/** The message whose reply keyboard is in force: the newest that brings one, unless a newer one takes it away. */
function keyboardIn(messages) {
  const deciding = messages.findLast((message) => message.keyboard.length || message.removes_keyboard);
  return deciding?.keyboard.length ? deciding : undefined;
}

export class Keyboard {
  /** `choose` gets the label pressed. */
  constructor(choose) {
    this.choose = choose;
    this.source = undefined;
    // What the user wants, as long as this keyboard is in force; before that, one for one use is hidden after it.
    this.wanted = undefined;
    part("toggle").onclick = () => {
      this.wanted = part("keyboard").hidden;
      this.#draw();
    };
  }

  show(messages) {
    const source = keyboardIn(messages);
    const same = source?.id === this.source?.id && String(source?.keyboard) === String(this.source?.keyboard);
    this.source = source;
    this.used = source?.one_time_keyboard && messages.some((one) => one.from === "user" && one.id > source.id);
    if (!same) {
      this.wanted = undefined;
      const button = (text) => element("button", { type: "button", onclick: () => this.choose(text) }, text);
      const rows = source?.keyboard ?? [];
      part("keyboard").replaceChildren(...rows.map((row) => element("div", { className: "row" }, ...row.map(button))));
    }
    this.#draw();
  }

  #draw() {
    const open = Boolean(this.source) && (this.wanted ?? !this.used);
    part("toggle").hidden = !this.source;
    part("toggle").setAttribute("aria-expanded", String(open));
    part("keyboard").hidden = !open;
  }
}
