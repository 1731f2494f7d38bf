// What a page can do better with a script than without one.

/** Buttons that print: shown only where a script can. */
for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}

/** A choice that leads somewhere else on the same form goes there at once. */
for (const control of document.querySelectorAll("[data-go]")) {
  control.addEventListener("change", () => control.form.requestSubmit());
}

/** Filters the movements on show while one types; sending the form asks the server for all. */
function filter(input) {
  const list = document.getElementById(input.dataset.filters);
  const live = document.getElementById("live");
  if (!list || !live) return;
  const rows = [...list.querySelectorAll("li")].map((row) => [row, row.textContent.toLocaleLowerCase()]);
  input.addEventListener("input", () => {
    const wanted = input.value.trim().toLocaleLowerCase();
    let left = 0;
    for (const [row, words] of rows) {
      row.hidden = !words.includes(wanted);
      left += row.hidden ? 0 : 1;
    }
    for (const group of list.querySelectorAll("ul")) {
      const none = !group.querySelector("li:not([hidden])");
      group.hidden = none;
      if (group.previousElementSibling) group.previousElementSibling.hidden = none;
    }
    live.textContent = wanted ? input.dataset.count.replace("#", String(left)) : "";
  });
}
for (const input of document.querySelectorAll("[data-filters]")) filter(input);

/** Asks how a code is doing once no news is bad news, unless it is being typed. */
for (const form of document.querySelectorAll("form[data-after]")) {
  setTimeout(() => {
    const typed = document.getElementById("code")?.value ?? "";
    if (typed === "") form.requestSubmit();
  }, Number(form.dataset.after));
}
