// The search and the comparison where no server answers: a site of files. The list of all pages
// lies beside them, with their words as they are compared; it is asked for when it is needed.
"use strict";
(() => {
const tones = { 2: "good", 3: "info", 4: "warn", 5: "bad" };
const found = document.getElementById("found");
const field = document.getElementById("q");
const form = document.querySelector("form[data-root]");
let listing;
function load() {
  listing ??= fetch(`${form.dataset.root}search/index.json`).then((answer) => answer.json());
  return listing;
}
function words(text) {
  const bare = text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase()
    .replace(/ı/g, "i").replace(/ى/g, "ي").replace(/ة/g, "ه").replace(/ـ/g, "");
  return (bare.match(/[\p{L}\p{N}]+/gu) ?? []).map((word) => word.length > 4 ? word.replace(/^ال/, "") : word);
}
function near(a, b) {
  if (a.length < 4 || Math.abs(a.length - b.length) > 1) return false;
  let at = 0;
  while (at < a.length && a[at] === b[at]) at += 1;
  const rest = (one, by) => one.slice(at + by);
  return rest(a, 1) === rest(b, 1) || rest(a, 1) === rest(b, 0) || rest(a, 0) === rest(b, 1) ||
    (a[at] === b[at + 1] && a[at + 1] === b[at] && rest(a, 2) === rest(b, 2));
}
function worth(asked, row) {
  let sum = 0;
  for (const word of asked) {
    const title = row.words.split(" ");
    if (title.includes(word)) sum += 3;
    else if (title.some((known) => known.startsWith(word))) sum += 2;
    else if (` ${row.more}`.includes(` ${word}`)) sum += 1;
    else if (title.some((known) => near(word, known))) sum += 1;
  }
  return sum / (1 + row.words.split(" ").length / 20);
}
function named(text, pages) {
  const typed = (text.match(/[245Xx]\.[0-9]{1,3}\.[0-9]{1,3}|[2-5][0-9]{2}|[a-z0-9]+(?:-[a-z0-9]+)+/g) ?? [text.trim()]);
  const keys = typed.map((one) => {
    const row = pages.find((page) => page.keys.includes(one) || (/^x/i.test(one) && page.keys[0].slice(1) === one.slice(1)));
    return row && (row.keys.includes(one) ? one : row.keys[0]);
  });
  return [...new Set(keys.filter(Boolean))];
}
function hits(text, pages) {
  const exact = named(text, pages).map((key) => pages.find((page) => page.keys.includes(key)));
  const start = text.trim();
  const begun = /^[2-5][0-9]?$|^[245]\.[0-9.]*$/.test(start) ? pages.filter((page) => page.keys.some((key) => key.startsWith(start))) : [];
  const asked = words(text).filter((word) => word.length > 1 && !/^[0-9]+$/.test(word));
  const scored = pages.map((page) => [worth(asked, page), page]).filter(([sum]) => sum > 0).sort((a, b) => b[0] - a[0]);
  return [...new Set([...exact, ...begun, ...scored.map(([, page]) => page)])].slice(0, 12);
}
function place(key) {
  return `${form.dataset.root}${/^[0-9]/.test(key) ? "codes" : "causes"}/${key}/`;
}
function made(tag, name, text) {
  const node = document.createElement(tag);
  if (name) node.className = name;
  node.textContent = text;
  return node;
}
function linked(key, text) {
  const node = made("a", /^[0-9]/.test(key) ? `key ${tones[key[0]]}` : "", text);
  node.href = place(key);
  return node;
}
function show(text, rows) {
  found.replaceChildren();
  if (!text.trim()) return;
  if (!rows.length) {
    found.append(made("p", "notice", form.dataset.nothing.replace("…", text.slice(0, 60))));
    return;
  }
  const list = made("ul", "hits", "");
  for (const row of rows) {
    const item = document.createElement("li");
    if (/^[0-9]/.test(row.keys[0])) {
      for (const key of row.keys) item.append(linked(key, key), " ");
      item.append(made("strong", "", row.title));
    } else {
      item.append(linked(row.keys[0], row.title), " ", made("code", "small", row.keys[0]));
    }
    item.append(document.createElement("br"), made("span", "muted small", row.means));
    list.append(item);
  }
  found.append(list);
}
function rank(key) {
  const numbers = (key.match(/[0-9]+/g) ?? []).map(Number);
  if (!/^[0-9]/.test(key)) return [2, key];
  return key.includes(".") ? [1, numbers[1], numbers[2], numbers[0]] : [0, numbers[0]];
}
function ordered(a, b) {
  const [one, other] = [rank(a), rank(b)];
  for (let at = 0; at < one.length; at += 1) {
    if (one[at] !== other[at]) return one[at] < other[at] ? [a, b] : [b, a];
  }
  return [a, b];
}
if (field) {
  const look = async () => {
    const text = field.value;
    const { pages } = await load();
    if (text === field.value) show(text, hits(text, pages));
  };
  field.addEventListener("input", look);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const { pages } = await load();
    const keys = named(field.value, pages);
    if (keys.length === 1 && !words(field.value).some((word) => /^\p{L}{3}/u.test(word) && !keys[0].includes(word))) location.assign(place(keys[0]));
    else look();
  });
  const asked = new URLSearchParams(location.search).get("q");
  if (asked) {
    field.value = asked;
    look();
  }
} else if (form && "compare" in form.dataset) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const { pages, pairs } = await load();
    const chosen = ["a", "b"].map((name) => {
      const text = form.elements[name].value;
      return named(text, pages)[0] ?? hits(text, pages)[0]?.keys[0];
    });
    const [a, b] = chosen;
    if (!a || !b) return;
    if (a === b) { location.assign(place(a)); return; }
    const pair = ordered(a, b).join("-vs-");
    if (/^[0-9]{3}-vs-[0-9]{3}$/.test(pair) || pairs.includes(pair)) {
      location.assign(`${form.dataset.root}compare/${pair}/`);
    } else {
      const note = made("p", "notice", `${form.dataset.missing} `);
      note.append(linked(a, a), " ", linked(b, b));
      found.replaceChildren(note);
    }
  });
}
})();
