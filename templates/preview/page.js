// Follows the files, fits the frames to their emails, and jumps from the email to its line in the file.
"use strict";

const fit = (frame) => {
  const page = frame.contentDocument;
  // its scrollHeight is never less than the frame, which then would only grow
  const height = page?.body && Math.ceil(page.documentElement.getBoundingClientRect().height);
  if (height) frame.style.height = `${Math.max(height, 320)}px`;
};

// Makes the frames of all widths so small that the window holds them side by side, if that is wanted.
const scale = () => {
  const sheets = document.querySelector(".widths .sheets");
  if (!sheets) return;
  const figures = [...sheets.children];
  const widths = figures.reduce((sum, figure) => sum + Number(figure.dataset.width), 0);
  const style = getComputedStyle(sheets.parentElement);
  const around = parseFloat(style.paddingLeft) + parseFloat(style.paddingRight);
  const between = parseFloat(getComputedStyle(sheets).columnGap) * (figures.length - 1);
  const room = document.querySelector("main").clientWidth - around - between;
  const fits = document.getElementById("fit").checked;
  sheets.style.setProperty("--scale", fits ? Math.min(1, room / widths) : 1);
};

const showLine = (line) => {
  document.querySelectorAll(".lines .here").forEach((row) => row.classList.remove("here"));
  if (!line) return;
  document.getElementById("panel-source").checked = true;
  const row = document.getElementById(`L${line}`);
  row?.classList.add("here");
  row?.scrollIntoView({ block: "center" });
};

// The line of the last marked place at or before an element of an email; empty around the issue.
const lineOf = (element) => {
  let line;
  for (const place of element.ownerDocument.querySelectorAll("[data-line]")) {
    const order = place.compareDocumentPosition(element);
    if (place !== element && !(order & Node.DOCUMENT_POSITION_FOLLOWING)) break;
    line = place.dataset.line;
  }
  return line;
};

const adopt = (frame) => {
  const page = frame.contentDocument;
  if (!page?.body || page.adopted) return;
  page.adopted = true;
  // the email is looked at, not used: a click names its line, and nothing is opened
  page.addEventListener("click", (event) => {
    event.preventDefault();
    showLine(lineOf(event.target));
  });
  page.querySelectorAll("img").forEach((image) => image.addEventListener("load", () => fit(frame)));
  fit(frame);
};

const watch = (frame) => {
  frame.addEventListener("load", () => adopt(frame));
  adopt(frame);
};

// Brings the page up to date and leaves scroll, choices and frames where they are.
const refresh = async () => {
  const answer = await fetch(location.href);
  const next = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (next.body.dataset.kind !== document.body.dataset.kind) return location.reload();
  document.title = next.title;
  document.body.dataset.version = next.body.dataset.version;
  for (const part of document.querySelectorAll("[data-part]")) {
    const fresh = next.querySelector(`[data-part="${part.dataset.part}"]`);
    // what was unfolded stays so
    part.querySelectorAll("details[id][open]").forEach((fold) => fresh?.querySelector(`[id="${fold.id}"]`)?.setAttribute("open", ""));
    // what is the same stays: somebody may be typing in it
    if (fresh && fresh.innerHTML !== part.innerHTML) part.replaceChildren(...fresh.childNodes);
  }
  const fresh = [...next.querySelectorAll("iframe")];
  document.querySelectorAll("iframe").forEach((frame, at) => {
    const source = fresh[at]?.getAttribute("src");
    frame.setAttribute("data-src", source);
    // not through `src`: each change would be a step of the back button
    if (frame.contentWindow && frame.contentDocument?.body?.childElementCount) frame.contentWindow.location.replace(source);
    else frame.src = source;
  });
};

document.querySelectorAll("iframe").forEach(watch);
document.querySelectorAll(".zoom").forEach((choice) => (choice.hidden = false));
scale();
addEventListener("resize", scale);

document.addEventListener("change", (event) => {
  if (event.target.id === "fit") scale();
  if (event.target.name === "view") document.querySelectorAll("iframe").forEach(fit);
  const form = event.target.closest("form.looks");
  if (!form) return;
  history.replaceState(null, "", `?${new URLSearchParams(new FormData(form))}`);
  refresh();
});

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-line]");
  if (!link) return;
  event.preventDefault();
  showLine(link.dataset.line);
});

document.addEventListener("submit", async (event) => {
  if (event.target.method !== "post") return;
  event.preventDefault();
  event.target.querySelector("button").disabled = true;
  await fetch(event.target.action, { method: "POST", body: new URLSearchParams(new FormData(event.target)) });
  await refresh();
});

// How often the files' version is asked for, in milliseconds.
const EVERY = 300;

// Asks whether the files have changed; nobody looks at a hidden page.
const look = async () => {
  if (document.hidden) return;
  const answer = await fetch("version", { signal: AbortSignal.timeout(5000) }).catch(() => null);
  document.querySelector(".lost").hidden = answer?.ok ?? false;
  if (answer?.ok && (await answer.text()) !== document.body.dataset.version) await refresh();
};

const follow = async () => {
  await look().catch(() => {}); // the next look says what is wrong
  setTimeout(follow, EVERY);
};

document.addEventListener("visibilitychange", () => look().catch(() => {}));
follow();
