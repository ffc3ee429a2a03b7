// Pictures are hidden until somebody asks. Here: the key that asks, what each person prefers, and pictures that arrive while one waits.
"use strict";
(() => {
  const HOLD_MS = 400; // a key held so long shows for so long; a shorter one shows until it is pressed again
  const LOOK_MS = 3000;
  const LOOKS = 40;
  const MODIFIERS = ["ctrlKey", "metaKey", "altKey"];
  const who = document.querySelector(".who");
  const kept = (name) => `adverdict-${name}-off-${who ? who.textContent : ""}`; // each person's own, also where several share a browser
  let pressed = 0;
  let looked = 0;

  const boxes = () => [...document.querySelectorAll("[data-see]")];
  const prefer = () => {
    for (const name of ["blur", "grey"]) document.documentElement.classList.toggle(`no-${name}`, localStorage.getItem(kept(name)) === "1");
  };

  function offer() {
    for (const one of document.querySelectorAll("[data-showing][hidden]")) one.hidden = false;
    for (const box of document.querySelectorAll("[data-prefer]")) box.checked = localStorage.getItem(kept(box.dataset.prefer)) !== "1";
  }

  // V, whatever the keyboard writes.
  const isV = (event) => event.key.toLowerCase() === "v" || (event.code === "KeyV" && !/^[a-z]$/i.test(event.key));
  const writes = (target) => target.matches("input:not([type=checkbox]):not([type=radio]), textarea, select");

  document.addEventListener("keydown", (event) => {
    if (!isV(event) || event.repeat || writes(event.target) || MODIFIERS.some((key) => event[key])) return;
    if (localStorage.getItem("adverdict-keys-off") === "1" || document.querySelector("dialog[open]")) return;
    const shown = boxes().some((box) => box.checked);
    for (const box of boxes()) box.checked = !shown;
    pressed = shown ? 0 : performance.now();
  });

  document.addEventListener("keyup", (event) => {
    if (!isV(event) || !pressed) return;
    if (performance.now() - pressed > HOLD_MS) for (const box of boxes()) box.checked = false;
    pressed = 0;
  });

  document.addEventListener("change", (event) => {
    const name = event.target.dataset.prefer;
    if (!name) return;
    localStorage.setItem(kept(name), event.target.checked ? "0" : "1");
    prefer();
  });

  // A picture that is being fetched is put in its place when it has come; the page around it stays as it is.
  async function look() {
    const waits = document.querySelector("figure[data-waiting]");
    if (!waits || looked >= LOOKS || document.hidden) return;
    looked += 1;
    try {
      const answer = await fetch(location.href, {headers: {"X-Console": "quick"}});
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const came = page.querySelector("figure.media");
      const task = (from) => (from.getElementById("task") || {dataset: {}}).dataset.task;
      if (came && !came.hasAttribute("data-waiting") && task(page) === task(document) && waits.isConnected) {
        waits.replaceWith(document.adoptNode(came));
        offer();
      }
    } catch {
      // asked again a little later
    }
  }

  new MutationObserver(() => {
    looked = 0;
    offer();
  }).observe(document.body, {childList: true}); // the review page puts a new <main> there
  prefer();
  offer();
  setInterval(look, LOOK_MS);
})();
