// Asks the browser for a passkey and sends its answer with the form around the
// button. Without a script, or without passkeys in the browser, the button is not
// shown and the form does without.

/** How long a prompt from the server is shown before it is fetched anew, in ms: it is good for five minutes. */
const REFRESH = 4 * 60_000;

const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
const text = (buffer) =>
  buffer ? btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "") : undefined;

/** Options as the server writes them, in the form that navigator.credentials takes. */
function read({ publicKey }) {
  const list = (all) => all?.map((c) => ({ ...c, id: bytes(c.id) }));
  return {
    ...publicKey,
    challenge: bytes(publicKey.challenge),
    ...(publicKey.user && { user: { ...publicKey.user, id: bytes(publicKey.user.id) } }),
    ...(publicKey.allowCredentials && { allowCredentials: list(publicKey.allowCredentials) }),
    ...(publicKey.excludeCredentials && { excludeCredentials: list(publicKey.excludeCredentials) }),
  };
}

/** The browser's answer, as PublicKeyCredential.toJSON writes it where there is one. */
function written({ id, type, response }) {
  return JSON.stringify({
    id, rawId: id, type, clientExtensionResults: {},
    response: {
      clientDataJSON: text(response.clientDataJSON),
      attestationObject: text(response.attestationObject),
      transports: response.getTransports?.(),
      authenticatorData: text(response.authenticatorData),
      signature: text(response.signature),
      userHandle: text(response.userHandle),
    },
  });
}

/** A part of a form that a passkey can answer. */
class Part {
  constructor(root) {
    this.root = root;
    this.form = root.closest("form");
    this.button = root.querySelector("button");
    this.problem = root.querySelector(".problem");
    this.button.addEventListener("click", () => this.ask());
    root.dataset.ready = "";
  }

  field(name) {
    return this.root.querySelector(`input[name="${name}"]`);
  }

  /** What to ask for: written into the page, or fetched, so that it is never older than the ceremony. */
  async prompt() {
    if (this.root.dataset.options) return { options: JSON.parse(this.root.dataset.options), state: this.field("state")?.value };
    const answer = await fetch(this.root.dataset.prompt);
    if (!answer.ok) throw new Error(`the prompt was answered with ${answer.status}`);
    const { state, ...options } = await answer.json();
    return { options, state };
  }

  async credential(mediation) {
    const { options, state } = await this.prompt();
    const publicKey = read(options);
    this.waiting?.abort();
    this.waiting = new AbortController();
    const { signal } = this.waiting;
    const answer = this.root.dataset.passkey === "create"
      ? await navigator.credentials.create({ publicKey, signal })
      : await navigator.credentials.get({ publicKey, signal, ...(mediation && { mediation }) });
    return { answer, state };
  }

  /**
   * Sends the form with an answer. submit() asks nobody whether what was typed besides is complete; device.js, which adds
   * the proof of this browser's key, hears of "completing" and says what to wait for.
   */
  async send({ answer, state }) {
    if (state) this.field("state").value = state;
    this.field("passkey").value = written(answer);
    const waiting = [];
    this.form.dispatchEvent(new CustomEvent("completing", { detail: waiting }));
    await Promise.allSettled(waiting);
    this.form.submit();
  }

  /** The button was pressed. */
  async ask() {
    this.say("");
    // A passkey made for a form that is then refused would stay on the device, of use to nobody.
    if (this.root.dataset.passkey === "create" && !this.form.reportValidity()) return;
    this.button.setAttribute("aria-disabled", "true");
    try {
      await this.send(await this.credential());
    } catch (cause) {
      this.say(this.root.dataset[cause.name === "InvalidStateError" ? "known" : "failed"]);
      if (this.root.hasAttribute("data-autofill")) this.offer();
    } finally {
      this.button.removeAttribute("aria-disabled");
    }
  }

  /** Lets the browser offer passkeys where a user name is typed, for as long as the page is open. */
  async offer() {
    if (!(await PublicKeyCredential.isConditionalMediationAvailable?.())) return;
    clearTimeout(this.again);
    this.again = setTimeout(() => this.offer(), REFRESH);
    try {
      await this.send(await this.credential("conditional"));
    } catch {
      // Nothing was chosen, or the button was pressed: the page is as it was.
    }
  }

  say(words) {
    this.problem.textContent = words;
    this.problem.hidden = words === "";
  }
}

if (window.PublicKeyCredential) {
  for (const root of document.querySelectorAll("[data-passkey]")) {
    const part = new Part(root);
    if (root.hasAttribute("data-autofill")) part.offer();
  }
  for (const words of document.querySelectorAll("[data-without-passkeys]")) words.hidden = true;
} else {
  for (const root of document.querySelectorAll("[data-passkey]")) root.hidden = true;
}
