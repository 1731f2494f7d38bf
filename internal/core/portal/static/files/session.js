// Warns before a session ends, and puts the end off for whoever says so. The times
// left come from the server, so a wrong clock does no harm; what is typed is left
// alone, and comes back after signing in again.

const dialog = document.getElementById("session-end");
const line = document.getElementById("session-end-left");
const stay = document.getElementById("session-stay");
const others = "BroadcastChannel" in window ? new BroadcastChannel("standfast-session") : undefined;

let idleAt, endsAt, timer, said, waived;

/** Takes the times left, in seconds, as of now. */
function set({ idle, left }) {
  idleAt = Date.now() + idle * 1000;
  endsAt = Date.now() + left * 1000;
  said = waived = false;
  if (dialog.open) dialog.close();
  plan();
}

/** Seconds until the session ends if nothing is done. */
const rest = () => Math.ceil((Math.min(idleAt, endsAt) - Date.now()) / 1000);

function plan() {
  clearTimeout(timer);
  const wait = rest() - Number(dialog.dataset.warn);
  timer = setTimeout(look, wait > 0 ? wait * 1000 : 1000);
}

function look() {
  const seconds = rest();
  if (seconds <= 0) return over();
  if (seconds <= Number(dialog.dataset.warn)) warn(seconds);
  plan();
}

function warn(seconds) {
  const final = endsAt <= idleAt;
  line.textContent = (final ? dialog.dataset.last : dialog.dataset.soon).replace("#", String(seconds));
  stay.hidden = final;
  if (!dialog.open && !waived) dialog.showModal();
  if (seconds <= 20 && !said) {
    said = true;
    document.getElementById("live").textContent = line.textContent;
  }
}

function over() {
  document.getElementById("session-end-title").textContent = dialog.dataset.overTitle;
  line.textContent = dialog.dataset.over;
  stay.hidden = true;
  if (!dialog.open) dialog.showModal();
}

async function extend(event) {
  event.preventDefault();
  event.stopPropagation();
  try {
    const answer = await fetch(stay.action, { method: "POST", headers: { Accept: "application/json", "Content-Type": "application/x-www-form-urlencoded" }, redirect: "error" });
    if (!answer.ok) return; // not known just now: the button can be pressed again
    const times = await answer.json();
    set(times);
    others?.postMessage(times);
  } catch {
    if (rest() <= 0) over(); // the way to the sign-in page, or no network
  }
}

if (dialog && line && stay) {
  set({ idle: Number(dialog.dataset.idle), left: Number(dialog.dataset.left) });
  others?.postMessage({ idle: Number(dialog.dataset.idle), left: Number(dialog.dataset.left) });
  others?.addEventListener("message", (event) => set(event.data));
  stay.addEventListener("submit", extend);
  document.getElementById("session-close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => (waived = true)); // said once; pressed away, it does not come again
  document.addEventListener("visibilitychange", () => document.hidden || look()); // a machine that slept
}
