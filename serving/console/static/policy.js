// Thresholds moved by hand: the sliders share the chart's axis, which is in log-odds. The server counts.
"use strict";
(() => {
  const ENDS = Math.log(0.998 / 0.002);
  const form = document.getElementById("move");
  if (!form) return;
  const number = {approve_below: form.elements.approve_below, reject_at: form.elements.reject_at};
  const slider = {};
  const said = document.querySelector("[data-said]");
  const never = form.elements.never;
  let waiting = 0;
  let running = null;

  const toSlider = (p) => (p <= 0.002 ? 0 : p >= 0.998 ? 1000 : Math.round(500 + 500 * Math.log(p / (1 - p)) / ENDS));
  const toShare = (at) => (at <= 0 ? 0 : at >= 1000 ? 1 : 1 / (1 + Math.exp(-(at - 500) / 500 * ENDS)));
  const written = (p) => String(Number(p.toPrecision(p < 0.1 ? 2 : 3)));

  for (const range of form.querySelectorAll("input[type=range]")) {
    const name = range.dataset.for;
    slider[name] = range;
    range.hidden = false;
    range.value = toSlider(Number(number[name].value));
    range.addEventListener("input", () => {
      number[name].value = written(toShare(Number(range.value)));
      keepOrder(name);
      soon();
    });
    number[name].addEventListener("input", () => {
      range.value = toSlider(Number(number[name].value));
      keepOrder(name);
      soon();
    });
  }
  if (never) {
    never.addEventListener("change", () => {
      number.reject_at.value = never.checked ? "1" : form.dataset.nowReject < 1 ? form.dataset.nowReject : "0.99";
      slider.reject_at.value = toSlider(Number(number.reject_at.value));
      keepOrder("reject_at");
      soon();
    });
  }
  const reset = form.querySelector("[data-reset]");
  reset.hidden = false;
  reset.addEventListener("click", () => {
    number.approve_below.value = form.dataset.nowApprove;
    number.reject_at.value = form.dataset.nowReject;
    for (const name in slider) slider[name].value = toSlider(Number(number[name].value));
    soon();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    show();
  });

  function keepOrder(changed) {
    if (never) never.checked = Number(number.reject_at.value) >= 1;
    const low = Number(number.approve_below.value), high = Number(number.reject_at.value);
    if (low <= high) return;
    const other = changed === "approve_below" ? "reject_at" : "approve_below";
    number[other].value = number[changed].value;
    slider[other].value = slider[changed].value;
  }


  function soon() {
    clearTimeout(waiting);
    waiting = setTimeout(show, 60);
  }

  async function show() {
    if (running) running.abort();
    running = new AbortController();
    try {
      const asked = new URLSearchParams(new FormData(form));
      const answer = await fetch(`${form.action}?${asked}`, {headers: {"X-Console": "quick"}, signal: running.signal});
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      document.getElementById("moved").replaceChildren(...page.body.childNodes);
      history.replaceState(null, "", `${form.action}?${asked}`);
      const row = document.querySelector("#moved tbody tr:last-child");
      if (said && row) said.textContent = [...row.cells].slice(0, 6).map((cell) => cell.firstChild.textContent.trim()).join(", ");
      document.documentElement.dataset.moved = asked.toString();
    } catch (error) {
      if (error.name !== "AbortError") throw error;
    }
  }
})();
