// Two courtesies for forms; every form works without them.
// 1. A form is sent once: a second press while the first is on its way does nothing.
// 2. What the server would say about an empty or misshapen field is said when the
//    reader leaves it. The words come from the page, so they are the server's.

const busy = new Set();

/** How long a form that was sent stays locked, in ms: longer than the server takes to answer. */
const PATIENCE = 12_000;

/** Says something to screen readers, in the page's one live region. */
function say(words) {
  const live = document.getElementById("live");
  if (live) live.textContent = words;
}

/** The sentence that applies to a control now, or "". */
function complaint(control) {
  const value = control.value.trim();
  if (control.dataset.required && value === "") return control.dataset.required;
  if (control.dataset.pattern && value !== "") {
    const bare = value.replace(/[\s-]/g, "");
    if (!new RegExp(`^(?:${control.dataset.pattern})$`, "i").test(bare)) return control.dataset.mismatch;
  }
  return "";
}

/** Shows or clears the sentence under a control. Returns whether the control is in order. */
function show(control, words) {
  const id = `${control.id}-problem`;
  let line = document.getElementById(id);
  if (!words) {
    line?.remove();
    control.removeAttribute("aria-invalid");
    return true;
  }
  if (!line) {
    line = document.createElement("p");
    line.id = id;
    line.className = "problem";
    control.before(line);
  }
  line.textContent = words;
  control.setAttribute("aria-invalid", "true");
  const described = new Set((control.getAttribute("aria-describedby") ?? "").split(" ").filter(Boolean));
  control.setAttribute("aria-describedby", [...described.add(id)].join(" "));
  return false;
}

/** Whether a control is on show; one that waits behind an unchosen answer is not asked. */
const shown = (control) => control.offsetParent !== null;

function check(form) {
  const wrong = [...form.elements].filter((c) => c.dataset?.required && shown(c) && !show(c, complaint(c)));
  wrong[0]?.focus();
  return wrong.length === 0;
}

function send(event) {
  const form = event.target;
  if (!check(form) || busy.has(form)) return event.preventDefault();
  const button = event.submitter;
  busy.add(form);
  setTimeout(again, PATIENCE); // the line may have dropped: then it can be sent again
  if (button?.dataset.busy) {
    button.setAttribute("aria-disabled", "true");
    say(button.dataset.busy);
  }
}

function leave(event) {
  const control = event.target;
  // An empty field that was only walked through is not yet a mistake.
  if (control.dataset?.required && control.value !== "") show(control, complaint(control));
}

function typed(event) {
  const control = event.target;
  if (control.getAttribute?.("aria-invalid") && !complaint(control)) show(control, "");
}

/** Back from the history, the page is as it was: ready to be sent again. */
function again() {
  busy.clear();
  for (const button of document.querySelectorAll("[aria-disabled=true]")) button.removeAttribute("aria-disabled");
  say("");
}

document.addEventListener("submit", send);
document.addEventListener("focusout", leave);
document.addEventListener("input", typed);
window.addEventListener("pageshow", again);
