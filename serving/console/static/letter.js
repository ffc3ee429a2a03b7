// A letter to an advertiser: copied as text, or printed.
"use strict";
(() => {
  const said = document.querySelector("[data-said]");
  for (const button of document.querySelectorAll("[data-copy]")) {
    if (!navigator.clipboard) continue;
    button.hidden = false;
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).innerText);
        said.textContent = "Copied.";
      } catch {
        said.textContent = "Not copied: mark the text and copy it by hand.";
      }
    });
  }
  for (const button of document.querySelectorAll("[data-print]")) {
    button.hidden = false;
    button.addEventListener("click", () => print());
  }
})();
