// Makes pages that work without it quicker: filters without a reload, favourites, a theme of one's own.
const root = document.documentElement;
const isSite = "site" in document.body.dataset;
const find = document.getElementById("find");
const found = document.getElementById("found");

function kept(name, fallback) {
  try {
    return JSON.parse(localStorage.getItem(`trendhouse.${name}`)) ?? fallback;
  } catch {
    return fallback;
  }
}

function keep(name, text) {
  try {
    localStorage.setItem(`trendhouse.${name}`, text);
  } catch {
    // Storage is forbidden: it holds as long as the page.
  }
}

// The theme.

const theme = document.getElementById("theme");
const prefersDark = matchMedia("(prefers-color-scheme: dark)");

function isDark() {
  return root.dataset.theme ? root.dataset.theme === "dark" : prefersDark.matches;
}

function showTheme() {
  theme.setAttribute("aria-pressed", isDark());
}

theme.addEventListener("click", () => {
  root.dataset.theme = isDark() ? "light" : "dark";
  keep("theme", root.dataset.theme);
  showTheme();
});
prefersDark.addEventListener("change", showTheme);
theme.hidden = false;
showTheme();

// Favourites: names of products, kept in this browser.

const stored = kept("favourites", []);
const favourites = new Set(Array.isArray(stored) ? stored : []);

function showHearts() {
  for (const heart of document.querySelectorAll("[data-favourite]")) {
    heart.hidden = false;
    heart.setAttribute("aria-pressed", favourites.has(heart.dataset.favourite));
  }
}

document.addEventListener("click", (event) => {
  const heart = event.target.closest("[data-favourite]");
  if (!heart) return;
  const name = heart.dataset.favourite;
  if (!favourites.delete(name)) favourites.add(name);
  keep("favourites", JSON.stringify([...favourites].sort()));
  showHearts();
});
showHearts();

// Releases: what is chosen stands in the address.

function chosen() {
  const query = new URLSearchParams(location.search);
  const names = (query.get("products") ?? "").split(",").map((name) => name.trim());
  return {
    products: names.filter(Boolean),
    q: (query.get("q") ?? "").trim(),
    favourites: query.get("favourites") === "1",
    lang: query.get("lang"),
  };
}

function address(state, isForServer = false) {
  const query = new URLSearchParams();
  const products = isForServer ? wanted(state) : state.products;
  if (products?.length) query.set("products", products.join(","));
  if (state.q) query.set("q", state.q);
  if (state.favourites && !isForServer) query.set("favourites", "1");
  if (state.lang) query.set("lang", state.lang);
  return `${location.pathname}${query.size ? "?" : ""}${query}`;
}

// The products that are to be seen; null for all of them.
function wanted(state) {
  if (!state.favourites) return state.products.length ? state.products : null;
  const names = state.products.length ? state.products : [...favourites];
  return names.filter((name) => favourites.has(name));
}

function showControls(state) {
  const names = new Set(state.products);
  for (const chip of find.querySelectorAll(".chip")) {
    chip.setAttribute("aria-pressed", names.has(chip.dataset.product));
  }
  const only = document.getElementById("only");
  only.hidden = false;
  only.setAttribute("aria-pressed", state.favourites);
  document.getElementById("clear").hidden = !(names.size || state.q || state.favourites);
  if (find.elements.q !== document.activeElement) find.elements.q.value = state.q;
  for (const link of document.querySelectorAll("[data-language]")) {
    const query = new URLSearchParams(address(state).split("?")[1]);
    query.delete("lang");
    if (!isSite) query.set("lang", link.lang);
    link.search = query;
  }
}

function showCount() {
  const count = [...found.children].filter((item) => !item.hidden).length;
  const status = document.getElementById("count");
  status.textContent = status.dataset.words.replace("{count}", count);
  document.getElementById("nothing").hidden = count > 0;
}

function filterHere(state) {
  const names = wanted(state);
  const text = state.q.toLocaleLowerCase();
  for (const item of found.children) {
    const { product, text: told } = item.firstElementChild.dataset;
    item.hidden = (names && !names.includes(product)) || !told.toLocaleLowerCase().includes(text);
  }
}

let asking = null;

async function filterThere(state) {
  asking?.abort();
  asking = new AbortController();
  if (wanted(state)?.length === 0) {
    found.replaceChildren();
    document.getElementById("more").replaceChildren();
    return;
  }
  const answer = await fetch(address(state, true), { signal: asking.signal });
  if (!answer.ok) throw new Error(`The server answered ${answer.status}.`);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const id of ["found", "more", "feeds"]) {
    document.getElementById(id).replaceChildren(...page.getElementById(id).childNodes);
  }
  for (const link of document.head.querySelectorAll("link[rel=alternate][type]")) {
    link.href = page.head.querySelector(`link[type="${link.type}"]`).getAttribute("href");
  }
}

async function show(state) {
  showControls(state);
  try {
    await (isSite ? filterHere(state) : filterThere(state));
  } catch (error) {
    if (error.name === "AbortError") return;
    location.assign(address(state, true));
    return;
  }
  showHearts();
  showCount();
}

function choose(change, isTyping = false) {
  const state = { ...chosen(), ...change };
  history[isTyping ? "replaceState" : "pushState"](null, "", address(state));
  return show(state);
}

async function showOlder(link) {
  const answer = await fetch(link.href);
  if (!answer.ok) return location.assign(link.href);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const added = [...page.getElementById("found").children];
  found.append(...added);
  document.getElementById("more").replaceChildren(...page.getElementById("more").childNodes);
  showHearts();
  showCount();
  added[0]?.querySelector("a").focus();
}

if (find) {
  find.addEventListener("submit", (event) => {
    event.preventDefault();
    choose({ q: find.elements.q.value.trim() });
  });
  find.addEventListener("click", (event) => {
    const control = event.target.closest(".chip, #only, #clear");
    if (!control) return;
    event.preventDefault();
    if (control.id === "only") {
      choose({ favourites: control.getAttribute("aria-pressed") !== "true" });
    } else if (control.id === "clear") {
      find.elements.q.value = "";
      choose({ products: [], q: "", favourites: false });
    } else {
      const name = control.dataset.product;
      const { products } = chosen();
      const rest = products.filter((each) => each !== name);
      choose({ products: rest.length < products.length ? rest : [...products, name] });
    }
  });
  let typing = 0;
  find.elements.q.addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(() => choose({ q: find.elements.q.value.trim() }, true), 200);
  });
  document.getElementById("more").addEventListener("click", (event) => {
    const link = event.target.closest("a[rel=next]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    showOlder(link);
  });
  addEventListener("popstate", () => show(chosen()));
  const first = chosen();
  if (isSite || first.favourites) show(first);
  else showControls(first);
}

// Lists of repositories on a site: the form filters the rows that are there.

const rows = document.querySelector("#repositories tbody");
const filter = document.getElementById("filter");
if (rows && filter && isSite) {
  const showRows = () => {
    const { q, language, license, sort } = Object.fromEntries(new FormData(filter));
    for (const row of rows.rows) {
      row.hidden =
        !row.dataset.text.toLocaleLowerCase().includes(q.trim().toLocaleLowerCase()) ||
        (language && row.dataset.language !== language) ||
        (license && row.dataset.license !== license);
    }
    const value = (row) => Number(row.dataset[sort] || -Infinity);
    rows.append(...[...rows.rows].sort((a, b) => value(b) - value(a)));
  };
  filter.addEventListener("input", showRows);
  filter.addEventListener("submit", (event) => event.preventDefault());
}
