// Formatted text as DOM nodes. Texts go in as text nodes only, so that nothing in them is ever taken for markup.

const ELEMENTS = {
  bold: "strong",
  italic: "em",
  underline: "u",
  strikethrough: "s",
  code: "code",
  pre: "pre",
  blockquote: "blockquote",
  expandable_blockquote: "blockquote",
};

/** An element with properties, attributes (names with a dash, and role), and children. */
export function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key.includes("-") || key === "role") made.setAttribute(key, value);
    else made[key] = value;
  }
  made.append(...children);
  return made;
}

/** The address when it leads to the web, else null: no javascript:, no data:. */
export function webAddress(given) {
  const url = URL.parse(given);
  return url && ["http:", "https:", "mailto:", "tg:"].includes(url.protocol) ? url.href : null;
}

/** Nodes for a text; entities count in UTF-16 units, as JavaScript's strings do. `command` gets a command pressed. */
export function formatted(text, entities, command) {
  const sorted = [...entities].sort((a, b) => a.offset - b.offset || b.length - a.length);
  return nodes(text, sorted, 0, text.length, command);
}

function nodes(text, entities, start, end, command) {
  const made = [];
  let at = start;
  for (let index = 0; index < entities.length; ) {
    const entity = entities[index++];
    const until = Math.min(entity.offset + entity.length, end);
    const inner = [];
    // What begins inside of this one belongs into it.
    while (index < entities.length && entities[index].offset < until) inner.push(entities[index++]);
    if (entity.offset > at) made.push(text.slice(at, entity.offset));
    const children = nodes(text, inner, entity.offset, until, command);
    made.push(wrapped(entity, text.slice(entity.offset, until), children, command));
    at = until;
  }
  if (at < end) made.push(text.slice(at, end));
  return made;
}

function wrapped(entity, text, children, command) {
  switch (entity.type) {
    case "text_link":
    case "url": {
      const href = webAddress(entity.url ?? text);
      if (!href) break;
      return element("a", { href, target: "_blank", rel: "noopener noreferrer" }, ...children);
    }
    case "bot_command":
      return element("button", { type: "button", className: "inline", onclick: () => command(text) }, ...children);
    case "spoiler": {
      const names = { className: "spoiler", "aria-label": "Hidden text: press to read" };
      const shown = element("button", { type: "button", ...names }, ...children);
      shown.onclick = () => shown.replaceWith(...shown.childNodes);
      return shown;
    }
  }
  return element(ELEMENTS[entity.type] ?? "span", {}, ...children);
}
