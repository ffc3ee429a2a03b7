// The review page by keyboard: letters choose, Enter confirms, the next task is fetched ahead. Without this file the form still works.
"use strict";
(() => {
  const MODIFIERS = ["ctrlKey", "metaKey", "altKey"];
  const QUIET_MS = 10 * 60 * 1000; // a page nobody touches gives its task up
  const UNDO_MS = 4000; // an answer waits so long before it is sent, or until its reader goes on
  const KEYS_OFF = "adverdict-keys-off";
  let ahead = null;
  let sending = false;
  let renewing = 0;
  let touched = Date.now();
  let held = null; // an answer that can still be undone
  let shownAt = 0;

  const task = () => document.getElementById("task");
  const parse = (text) => new DOMParser().parseFromString(text, "text/html");
  const keysOff = () => localStorage.getItem(KEYS_OFF) === "1";

  function say(text, alarming) {
    const line = document.querySelector(".say");
    if (!line) return;
    line.textContent = text;
    line.classList.toggle("alarming", Boolean(alarming));
  }

  function put(page) {
    const fresh = document.adoptNode(page.querySelector("main"));
    document.querySelector("main").replaceWith(fresh);
    document.title = page.title;
    window.scrollTo(0, 0);
  }

  // A page is ready when its task can be answered.
  function ready() {
    clearInterval(renewing);
    const form = task();
    const help = document.querySelector("[data-help]");
    if (help) help.hidden = false;
    const toggle = document.querySelector("[data-keys]");
    if (toggle) toggle.checked = !keysOff();
    ahead = null;
    delete document.documentElement.dataset.ahead;
    const title = document.querySelector("main h1");
    if (title) title.focus({preventScroll: true});
    document.documentElement.dataset.ready = form ? form.dataset.task : "none";
    performance.mark("ready", {detail: form ? form.dataset.task : ""});
    if (!form) return;
    renewing = setInterval(renew, Math.max(15, Number(form.dataset.seconds) / 3) * 1000);
    preload(form);
  }

  async function preload(form) {
    try {
      const answer = await fetch(`${form.dataset.home}/review/next?besides=${encodeURIComponent(form.dataset.task)}`, {headers: {"X-Console": "quick"}});
      if (answer.status === 200 && task() === form) {
        ahead = parse(await answer.text());
        document.documentElement.dataset.ahead = ahead.getElementById("task").dataset.task;
      }
    } catch {
      ahead = null; // the next page is then fetched after the answer
    }
  }

  async function renew() {
    const form = task();
    if (!form || sending || Date.now() - touched > QUIET_MS) return;
    try {
      const body = new URLSearchParams([...new FormData(form)].filter(([name]) => ["csrf", "task", "token"].includes(name)));
      const answer = await fetch(`${form.dataset.home}/review/renew`, {method: "POST", body, headers: {"X-Console": "quick"}});
      if (answer.status === 409) lost(form, (await answer.json()).told);
      if (answer.status === 401) location.assign(`${form.dataset.home}/login`);
    } catch {
      say("The service does not answer. Your lease may run out.", true);
    }
  }

  function lost(form, why) {
    clearInterval(renewing);
    for (const control of form.querySelectorAll("input, select, button.go, button[formaction]")) control.disabled = true;
    say(`An answer would not count: ${why}. Press Enter for the next one.`, true);
    form.dataset.lost = "1";
  }

  async function send(form, button) {
    if (sending) return;
    if (form.dataset.lost) {
      location.assign(`${form.dataset.home}/review`);
      return;
    }
    if (!form.reportValidity()) {
      say("Choose a verdict first.", true);
      return;
    }
    const given = new FormData(form, button);
    if (given.get("verdict") === "reject" && !given.getAll("violated").length) {
      say("Which policy does it violate? Press its number.", true);
      return;
    }
    sending = true;
    const kept = document.querySelector("main");
    const next = ahead;
    delete document.documentElement.dataset.ready;
    const body = new URLSearchParams(given);
    if (next) {
      body.set("before", form.dataset.before || "0");
      clearInterval(renewing);
      put(next);
      shownAt = performance.now();
      if (!(await unlessUndone(form, body, kept))) return;
    } else say("Recording…");
    const answered = fetch(form.action, {method: "POST", body, headers: {"X-Console": "quick"}});
    try {
      const answer = await answered;
      if (answer.status === 401) {
        location.assign(`${form.dataset.home}/login`);
        return;
      }
      const page = parse(await answer.text());
      const came = page.getElementById("task");
      const there = task();
      if (answer.ok && next && came && there && came.dataset.task === there.dataset.task) lease(there, came);
      else put(page);
    } catch {
      document.querySelector("main").replaceWith(kept);
      say("Not recorded: the service does not answer. Press Enter to try again.", true);
    } finally {
      sending = false;
      ready();
    }
  }

  // Whether the answer is to be sent, once its reader has gone on or time is over; undone, its page is there again as it was.
  function unlessUndone(form, body, kept) {
    const began = performance.now();
    return new Promise((settle) => {
      const end = (sent) => {
        clearTimeout(held.timer);
        held = null;
        body.set("held", String(Math.round(performance.now() - began)));
        say("");
        if (!sent) {
          document.querySelector("main").replaceWith(kept);
          sending = false;
          ready();
        }
        settle(sent);
      };
      held = {end, form, body, timer: setTimeout(() => end(true), UNDO_MS)};
      document.documentElement.dataset.held = form.dataset.task;
      say("Answered. Z undoes it.");
    }).finally(() => delete document.documentElement.dataset.held);
  }

  // The task shown ahead turned out to be the one that was leased: it only needs its lease.
  function lease(there, came) {
    for (const name of ["token", "started", "csrf"]) there.elements[name].value = came.elements[name].value;
    there.dataset.seconds = came.dataset.seconds;
    there.dataset.before = String(Math.round(performance.now() - shownAt));
    there.querySelector(".progress").replaceWith(document.adoptNode(came.querySelector(".progress")));
    delete there.dataset.pending;
    for (const control of there.querySelectorAll("[disabled]")) control.disabled = false;
  }

  // The key that was pressed, whatever the keyboard writes: a letter of ours as it is, otherwise by where it lies on the board.
  function keyOf(event) {
    const key = event.key.toLowerCase();
    if (/^[a-z0-9?]$/.test(key)) return key;
    if (key === "\u061f") return "?"; // the Arabic question mark
    const lies = /^(?:Key([A-Z])|(?:Digit|Numpad)([0-9]))$/.exec(event.code);
    return lies ? (lies[1] || lies[2]).toLowerCase() : key;
  }

  function choose(form, verdict) {
    const choice = form.querySelector(`input[name=verdict][value=${verdict}]`);
    if (!choice || choice.disabled || choice.closest("fieldset").disabled) return;
    choice.checked = true;
    chosen(form, verdict);
  }

  function chosen(form, verdict) {
    const policies = [...form.querySelectorAll("input[name=violated]")];
    if (verdict !== "reject") for (const policy of policies) policy.checked = false;
    else {
      if (policies.length === 1) policies[0].checked = true;
      form.elements.unfit.checked = false; // a policy fits it
    }
    say("");
  }

  // Bad, but no policy fits: somebody senior decides where that can be asked for; here nothing is violated.
  function unfit(form) {
    const given = form.querySelector("input[name=verdict]:checked");
    if (!form.elements.unfit.checked || (given && given.value !== "reject")) return;
    choose(form, form.querySelector("input[name=verdict][value=escalate]") ? "escalate" : "approve");
  }

  document.addEventListener("change", (event) => {
    const form = task();
    if (!form) return;
    if (event.target.matches("[data-keys]")) localStorage.setItem(KEYS_OFF, event.target.checked ? "0" : "1");
    if (event.target.name === "verdict") chosen(form, event.target.value);
    if (event.target.name === "unfit") unfit(form);
    if (event.target.name === "violated" && event.target.checked) choose(form, "reject");
  });

  document.addEventListener("submit", (event) => {
    const form = task();
    if (event.target !== form || (event.submitter && event.submitter.hasAttribute("formaction"))) return;
    event.preventDefault();
    send(form, event.submitter);
  });

  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-help]")) document.getElementById("help").showModal();
  });

  document.addEventListener("keydown", (event) => {
    touched = Date.now();
    const form = task();
    const help = document.getElementById("help");
    if (!form || (help && help.open) || MODIFIERS.some((key) => event[key]) || event.repeat) return;
    if (held) {
      const key = keyOf(event);
      if (key === "z") held.end(false);
      else if (key === "enter" || /^[a-y1-9]$/.test(key)) held.end(true);
      else return;
      event.preventDefault();
      return;
    }
    const writing = event.target.matches("input:not([type=checkbox]):not([type=radio]), textarea, select");
    if (event.key === "Escape" && writing) event.target.blur();
    if (writing) return;
    if (event.key === "Enter") {
      if (event.target.closest("a, button, summary")) return;
      event.preventDefault();
      send(form, form.querySelector("button.go"));
      return;
    }
    if (keysOff()) return;
    const key = keyOf(event);
    const verdict = /^[a-z]$/.test(key) && form.querySelector(`[data-key~="${key}"] input`);
    if (key === "?") help.showModal();
    else if (verdict) choose(form, verdict.value);
    else if (/^[1-9]$/.test(key)) {
      const policy = form.querySelectorAll("input[name=violated]")[Number(key) - 1];
      if (!policy || policy.disabled) return;
      policy.checked = !policy.checked;
      if (policy.checked) {
        form.querySelector("input[name=verdict][value=reject]").checked = true;
        form.elements.unfit.checked = false;
      }
      say("");
    } else if (key === "s") {
      const severity = form.elements.severity;
      severity.selectedIndex = (severity.selectedIndex + 1) % severity.options.length;
    } else if (key === "t" && form.elements.tier && !form.elements.tier.disabled) {
      form.elements.tier.selectedIndex = (form.elements.tier.selectedIndex + 1) % form.elements.tier.options.length;
    } else if (key === "x") {
      if (form.elements.unfit.disabled) return;
      form.elements.unfit.checked = !form.elements.unfit.checked;
      unfit(form);
    } else if (key === "n") form.elements.reason.focus();
    else return;
    event.preventDefault();
  });

  // Whoever leaves does not lose what was answered.
  window.addEventListener("pagehide", () => {
    if (held) navigator.sendBeacon(held.form.action, held.body);
  });

  document.addEventListener("pointerdown", (event) => {
    if (held && event.target.closest(".act")) held.end(true);
  });

  for (const kind of ["pointerdown", "scroll", "focusin"]) document.addEventListener(kind, () => { touched = Date.now(); }, {passive: true, capture: true});
  ready();
})();
