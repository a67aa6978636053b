"use strict";

// Everything here is an addition: without it the page shows the same content.

const root = document.documentElement;

function remember(theme) {
  try {
    localStorage.setItem("isthmus-theme", theme);
  } catch {
    // Some browsers give local files no storage; the choice then lasts for this visit.
  }
}

function recall() {
  try {
    return localStorage.getItem("isthmus-theme");
  } catch {
    return null;
  }
}

function wireTheme(button) {
  const dark = () => root.dataset.theme
    ? root.dataset.theme === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches;
  const name = () => { button.textContent = dark() ? "Light" : "Dark"; };
  button.addEventListener("click", () => {
    root.dataset.theme = dark() ? "light" : "dark";
    remember(root.dataset.theme);
    name();
  });
  name();
  button.hidden = false;
}

function wireSorting(table) {
  const body = table.tBodies[0];
  const headings = [...table.tHead.rows[0].cells];
  headings.forEach((heading, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...[...heading.childNodes].filter((node) => node.className !== "ask"));
    heading.append(button);
    button.addEventListener("click", () => {
      const descending = heading.getAttribute("aria-sort") === "ascending";
      headings.forEach((other) => other.removeAttribute("aria-sort"));
      heading.setAttribute("aria-sort", descending ? "descending" : "ascending");
      const rows = [...body.rows].sort((a, b) => compare(a.cells[column], b.cells[column], descending));
      body.append(...rows);
    });
  });
}

function compare(a, b, descending) {
  const sign = descending ? -1 : 1;
  const [left, right] = [a.dataset.sort, b.dataset.sort];
  if (left === undefined) return sign * a.textContent.localeCompare(b.textContent);
  if (left === "" || right === "") return (left === "") - (right === "");
  return sign * (parseFloat(left) - parseFloat(right));
}

function wireCopy(button) {
  button.addEventListener("click", async () => {
    const source = document.getElementById(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(source.textContent);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(source);
      button.textContent = "Selected: press Ctrl+C";
    }
  });
  button.hidden = false;
}

// Marks the section in sight in the contents, and brings its link into sight.
function wireContents(contents) {
  const links = new Map([...contents.querySelectorAll("a")].map((link) => [link.hash.slice(1), link]));
  const sections = [...document.querySelectorAll("section[data-short]")];
  const list = contents.querySelector("ul");
  let current;
  const mark = () => {
    const line = contents.offsetHeight + 40;
    const end = innerHeight + scrollY >= root.scrollHeight - 2;
    const above = sections.filter((section) => section.getBoundingClientRect().top <= line);
    const link = links.get((end ? sections : above).at(-1)?.id);
    if (link === current) return;
    current?.removeAttribute("aria-current");
    current = link;
    current?.setAttribute("aria-current", "true");
    if (current) list.scrollLeft = current.offsetLeft - list.offsetLeft - (list.clientWidth - current.offsetWidth) / 2;
  };
  addEventListener("scroll", mark, { passive: true });
  addEventListener("resize", mark);
  mark();
}

// At once, so that a remembered theme is there before the page is painted.
const stored = recall();
if (stored === "dark" || stored === "light") root.dataset.theme = stored;

document.addEventListener("DOMContentLoaded", () => {
  document.querySelectorAll("[data-toggle-theme]").forEach(wireTheme);
  document.querySelectorAll("table[data-sortable]").forEach(wireSorting);
  document.querySelectorAll("[data-copy]").forEach(wireCopy);
  document.querySelectorAll("nav.contents").forEach(wireContents);
});
