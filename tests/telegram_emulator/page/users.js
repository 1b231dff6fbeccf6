// The users one may write as: kept in this browser, chosen by the address's fragment.

const KEY = "stand-in-users";
const FIRST = [{ id: 7001, first_name: "Анна", language: "ru" }];

export function load() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY));
    if (Array.isArray(kept) && kept.length && kept.every((one) => Number.isSafeInteger(one?.id))) return kept;
  } catch {
    // Nothing that could be read is the same as nothing.
  }
  return FIRST;
}

function save(users) {
  localStorage.setItem(KEY, JSON.stringify(users));
}

export function add(user) {
  const others = load().filter((one) => one.id !== user.id);
  save([...others, user].sort((a, b) => a.id - b.id));
}

export function remove(id) {
  const left = load().filter((one) => one.id !== id);
  save(left);
}

/** The user whom the fragment names, made up when the list has none such; without a fragment the first. */
export function current() {
  const id = Number(location.hash.slice(1));
  if (!Number.isSafeInteger(id) || id <= 0) return load()[0];
  const known = load().find((one) => one.id === id);
  if (known) return known;
  const made = { id, first_name: `User ${id}`, language: "" };
  add(made);
  return made;
}
