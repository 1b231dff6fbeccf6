// The log: one node for each message, renewed only where the message has changed.

import { element, formatted, webAddress } from "./text.js";

const DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "long", year: "numeric" });
const TIME = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const UNITS = ["B", "KB", "MB"];

export class Log {
  /** `acts` has `press(message, button, node)`, `command(text)` and `enlarge(file, caption)`. */
  constructor(root, acts) {
    this.root = root;
    this.acts = acts;
    this.rows = new Map();
  }

  clear() {
    this.root.replaceChildren();
    this.rows.clear();
  }

  show(messages) {
    const wanted = this.#wanted(messages);
    for (const [key, row] of this.rows) {
      if (wanted.has(key)) continue;
      this.#replace(row.node, null);
      this.rows.delete(key);
    }
    let place = this.root.firstChild;
    for (const [key, { content, make }] of wanted) {
      const known = this.rows.get(key);
      if (known?.content === content) {
        place = known.node.nextSibling;
        continue;
      }
      const node = make();
      if (known) this.#replace(known.node, node);
      else this.root.insertBefore(node, place);
      place = node.nextSibling;
      this.rows.set(key, { content, node });
    }
  }

  /** The rows by key in their order: a line for each day, and the messages. */
  #wanted(messages) {
    const byId = new Map(messages.map((message) => [message.id, message]));
    const wanted = new Map();
    for (const message of messages) {
      const day = DAY.format(message.date * 1000);
      wanted.set(day, { content: day, make: () => element("p", { className: "day" }, day) });
      const quoted = byId.get(message.reply_to);
      wanted.set(message.id, {
        content: JSON.stringify([message, quoted?.text]),
        make: () => this.#message(message, quoted),
      });
    }
    return wanted;
  }

  /** Who was on a button of the old node finds the focus nearby, not at the top of the page. */
  #replace(node, fresh) {
    const focused = node.contains(document.activeElement);
    if (fresh) node.replaceWith(fresh);
    else node.remove();
    if (focused) (fresh?.querySelector(".buttons button") ?? this.root).focus({ preventScroll: true });
  }

  #message(message, quoted) {
    const mine = message.from === "user";
    const time = TIME.format(message.date * 1000);
    const stamp = element("time", { dateTime: new Date(message.date * 1000).toISOString() }, time);
    const bubble = element("div", { className: "bubble" });
    if (quoted) bubble.append(element("p", { className: "quote" }, quoted.text || quoted.file?.name || ""));
    if (message.kind === "photo") bubble.append(this.#photo(message));
    if (message.kind === "document") bubble.append(document_(message.file));
    if (message.text) {
      const content = formatted(message.text, message.entities, this.acts.command);
      bubble.append(element("div", { className: "text", dir: "auto", "data-testid": "text" }, ...content));
    }
    bubble.append(element("span", { className: "stamp" }, message.edited ? "edited " : "", stamp));
    const label = `${mine ? "You" : "Bot"}, ${time}${message.edited ? ", edited" : ""}`;
    const node = element("article", { className: `message ${message.from}`, "aria-label": label }, bubble);
    Object.assign(node.dataset, { testid: "message", from: message.from, kind: message.kind, id: message.id });
    if (message.edited) node.dataset.edited = "";
    if (message.buttons.length) node.append(this.#buttons(message));
    return node;
  }

  #photo({ file, text }) {
    const image = element("img", { src: file.url, width: file.width, height: file.height, alt: text || file.name });
    const enlarge = () => this.acts.enlarge(file, image.alt);
    return element("button", { type: "button", className: "picture", title: "Enlarge", onclick: enlarge }, image);
  }

  #buttons(message) {
    const rows = message.buttons.map((row) =>
      element("div", { className: "row" }, ...row.map((button) => this.#button(message, button))),
    );
    return element("div", { className: "buttons", role: "group", "aria-label": "Buttons" }, ...rows);
  }

  #button(message, button) {
    const href = button.url && webAddress(button.url);
    if (href) return element("a", { href, target: "_blank", rel: "noopener noreferrer" }, button.text);
    const node = element("button", { type: "button" }, button.text);
    if (button.data === undefined) {
      node.disabled = true;
      node.title = "The stand-in can't do what this button does";
    }
    node.onclick = () => this.acts.press(message, button, node);
    return node;
  }
}

function document_(file) {
  const name = element("span", { className: "name" }, file.name);
  const size = element("span", { className: "size" }, readable(file.size));
  return element("a", { className: "file", href: file.url, download: file.name }, name, " ", size);
}

function readable(bytes) {
  const step = Math.min(Math.floor(Math.log(Math.max(bytes, 1)) / Math.log(1024)), UNITS.length - 1);
  return `${(bytes / 1024 ** step).toFixed(step ? 1 : 0)} ${UNITS[step]}`;
}
