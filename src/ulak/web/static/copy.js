// A button beside something to copy: <button class="copy" data-copy="ID" hidden>. Without this
// script the button is not there, and the text can be selected as ever.
(() => {
  "use strict";
  function show(root) {
    for (const button of root.querySelectorAll("button.copy[hidden]")) button.hidden = false;
  }
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button.copy");
    if (!button) return;
    const source = document.getElementById(button.dataset.copy);
    const text = source.dataset.text ?? source.textContent;
    try {
      await navigator.clipboard.writeText(text.trim());
    } catch {
      // Not allowed here, or no secure place: then it is marked, ready for the keyboard.
      getSelection().selectAllChildren(source);
      return;
    }
    const label = button.textContent;
    button.textContent = button.dataset.done;
    setTimeout(() => { button.textContent = label; }, 2000);
  });
  if (navigator.clipboard || document.queryCommandSupported) show(document);
  document.addEventListener("htmx:load", (event) => show(event.detail.elt));
})();
