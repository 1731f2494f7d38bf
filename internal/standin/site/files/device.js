// The key of this browser. No script can read it out, ours neither: a cookie that
// somebody copied is worth nothing without it. Forms that sign in carry a proof of
// it, made when they are sent; where a browser has no key, or will not keep one,
// they are sent as they are, and the server asks for a code.

/** How long a nonce in a page counts as fresh, in ms. The server takes it for five minutes. */
const FRESH = 240_000;
/** How long a form waits for a storage or a network that does not answer, in ms. */
const PATIENCE = 3_000;

const CURVE = { name: "ECDSA", namedCurve: "P-256" };

/** base64url without padding (RFC 4648 §5). */
function encode(buffer) {
  return btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

/** The answer of an IndexedDB request as a promise. */
function answer(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** The store of keys, one a cell, opened for reading or writing. */
async function store(mode) {
  const opening = indexedDB.open("standfast", 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore("device-keys");
  const db = await answer(opening);
  return db.transaction("device-keys", mode).objectStore("device-keys");
}

/** This browser's key for the cell; a new one where make says so; else undefined. */
async function deviceKey(cell, make) {
  const kept = await answer((await store("readonly")).get(cell));
  if (kept || !make) return kept;
  const pair = await crypto.subtle.generateKey(CURVE, false, ["sign"]);
  const made = { key: pair.privateKey, public: encode(await crypto.subtle.exportKey("spki", pair.publicKey)) };
  await answer((await store("readwrite")).add(made, cell)); // refused where another window was first: then that one's counts
  return made;
}

/** The proof of a nonce: what the server checks is written in signin/devicekey.go. */
async function prove(made, cell, nonce) {
  const text = new TextEncoder().encode(`standfast-device-proof-1\n${cell}\n${nonce}`);
  return `${nonce}.${encode(await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, made.key, text))}`;
}

/** Fills in the proof, and the key where the device is to be remembered. */
async function complete(field, nonce) {
  const { deviceCell: cell, deviceFresh: fresh } = field.dataset;
  const trust = field.form.elements.trust;
  const made = await deviceKey(cell, "deviceBind" in field.dataset && (!trust || trust.checked));
  if (!made) return;
  nonce ||= await (await fetch(fresh)).text();
  field.value = await prove(made, cell, nonce);
  field.form.elements.device_key.value = made.public;
}

function watch(field) {
  const form = field.form;
  let nonce = field.dataset.deviceNonce;
  let until = Date.now() + FRESH;
  let passing = false;
  // A page from the history was sent before, and its nonce with it.
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) nonce = "";
  });
  const completed = () => {
    const late = new Promise((_, reject) => setTimeout(reject, PATIENCE));
    return Promise.race([complete(field, Date.now() < until ? nonce : ""), late])
      .catch(() => {}); // no key here: the server asks for a code instead
  };
  form.addEventListener("completing", (event) => event.detail.push(completed())); // passkey.js sends the form
  form.addEventListener("submit", (event) => {
    if (passing) return;
    event.preventDefault();
    event.stopPropagation(); // form.js hears of it when it is complete
    completed().then(() => {
      passing = true;
      form.requestSubmit(event.submitter);
      passing = false;
    });
  });
}

if (window.indexedDB && window.crypto?.subtle) {
  for (const field of document.querySelectorAll("input[data-device-nonce]")) watch(field);
}
