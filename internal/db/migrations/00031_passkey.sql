-- +goose Up
-- Who owns passkeys, under the handle that authenticators know them by: random
-- bytes that say nothing about who they belong to (WebAuthn §14.6.1). The row is
-- also what changes of one owner's passkeys take turns behind.
CREATE TABLE passkey_owner (
    kind     TEXT NOT NULL,          -- member, staff
    owner_id UUID NOT NULL,
    handle   BYTEA NOT NULL UNIQUE,
    PRIMARY KEY (kind, owner_id)
);

CREATE TABLE passkey (
    id              UUID PRIMARY KEY,
    kind            TEXT NOT NULL,
    owner_id        UUID NOT NULL,
    credential_id   BYTEA NOT NULL UNIQUE, -- of one owner only (WebAuthn §7.1, step 26)
    public_key      BYTEA NOT NULL,        -- COSE_Key, as the authenticator gave it
    sign_count      BIGINT NOT NULL,       -- highest that was accepted; 0 where the authenticator does not count
    regressions     BIGINT NOT NULL,       -- assertions refused because their count had not gone on
    backup_eligible BOOLEAN NOT NULL,      -- may be copied to other devices of its owner
    backed_up       BOOLEAN NOT NULL,      -- is, as of its last use
    aaguid          BYTEA NOT NULL,        -- model of the authenticator, where it tells
    transports      TEXT NOT NULL,         -- separated by spaces
    name            TEXT NOT NULL,
    created_at      BIGINT NOT NULL,
    last_used_at    BIGINT NOT NULL,       -- 0: never
    version         BIGINT NOT NULL,
    FOREIGN KEY (kind, owner_id) REFERENCES passkey_owner (kind, owner_id)
);
CREATE INDEX passkey_by_owner ON passkey (kind, owner_id);

-- Challenges that were answered. A second answer is a replay.
CREATE TABLE passkey_spent (
    challenge BYTEA PRIMARY KEY,
    until     BIGINT NOT NULL        -- after then the challenge is too old anyway
);
CREATE INDEX passkey_spent_until ON passkey_spent (until);
