-- +goose Up
-- Keys under which session and device tokens are signed. One is current; the
-- others verify until no token under them can be good any more.
CREATE TABLE signing_key (
    id           UUID PRIMARY KEY, -- the token's kid
    public_key   BYTEA NOT NULL,
    sealed_key   BYTEA NOT NULL,   -- under the master key; emptied when the key is retired
    created_at   BIGINT NOT NULL,
    retired_at   BIGINT NOT NULL,  -- 0: current
    verify_until BIGINT NOT NULL   -- 0: current
);
CREATE UNIQUE INDEX signing_key_current ON signing_key (retired_at) WHERE retired_at = 0;

-- A member's password, as a PHC string of argon2id.
CREATE TABLE credential (
    member_id  UUID PRIMARY KEY REFERENCES member (id),
    phc        TEXT NOT NULL,
    changed_at BIGINT NOT NULL, -- by the member; a hash made again at other costs is no change
    version    BIGINT NOT NULL
);

-- Failures in a row, and until when nothing more is tried. The key is a keyed
-- hash of what is counted (a user name, an address, a device), so that the table
-- tells nobody which names exist.
CREATE TABLE throttle (
    key       BYTEA PRIMARY KEY,
    member_id UUID,            -- NULL: no member's
    failures  BIGINT NOT NULL,
    last_at   BIGINT NOT NULL,
    until     BIGINT NOT NULL,
    forget_at BIGINT NOT NULL  -- 0: not for its age
);
CREATE INDEX throttle_strangers ON throttle (last_at) WHERE member_id IS NULL AND forget_at = 0;
CREATE INDEX throttle_forget ON throttle (forget_at) WHERE forget_at > 0;

-- One-time codes. The code itself is nowhere: it follows from the nonce and the
-- master key.
CREATE TABLE challenge (
    id          UUID PRIMARY KEY,
    purpose     TEXT NOT NULL,     -- sign-in, step-up, recovery, enrolment, …
    member_id   UUID NOT NULL REFERENCES member (id),
    session_id  UUID,              -- of a step-up
    scope       BYTEA NOT NULL,    -- one challenge is open in a scope: a flow, or a session and action
    flow        BYTEA NOT NULL,    -- keyed hash of the flow's id, empty without one
    action      TEXT NOT NULL,     -- kind of the action of a step-up
    action_hash BYTEA NOT NULL,    -- of everything in it that must not change
    template    TEXT NOT NULL,
    data        TEXT NOT NULL,     -- JSON, for the message
    nonce       BYTEA NOT NULL,
    channel     TEXT NOT NULL,
    sent_to     TEXT NOT NULL,     -- masked
    sends       BIGINT NOT NULL,
    sent_at     BIGINT NOT NULL,
    created_at  BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL,
    tries_left  BIGINT NOT NULL,
    closed_at   BIGINT NOT NULL,   -- 0: open
    used_at     BIGINT NOT NULL,   -- 0: no right code yet
    redeemed_at BIGINT NOT NULL,   -- of a step-up: when its proof was used
    made        UUID,              -- the session that a right code made
    way         TEXT NOT NULL,     -- how it was answered; empty: not yet
    answered    BYTEA NOT NULL     -- keyed hash of the right answer, which may come again
);
CREATE UNIQUE INDEX challenge_open ON challenge (scope) WHERE closed_at = 0;
CREATE INDEX challenge_member ON challenge (member_id, closed_at);

-- Which members trust which browser. A browser has one identity, whoever uses it.
CREATE TABLE device_trust (
    id           UUID PRIMARY KEY,
    member_id    UUID NOT NULL REFERENCES member (id),
    device_id    UUID NOT NULL,
    name         TEXT NOT NULL,
    granted_at   BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    removed_at   BIGINT NOT NULL,  -- 0: still trusted
    tokens_from  BIGINT NOT NULL,  -- copies of the identity from before then prove nothing
    last_used_at BIGINT NOT NULL,
    last_ip      TEXT NOT NULL,
    named        BOOLEAN NOT NULL, -- by the member; else the name is what the browser says of itself
    public_key   BYTEA NOT NULL,   -- SubjectPublicKeyInfo (RFC 5280 §4.1) of its P-256 key; empty: the device has none
    bound_at     BIGINT NOT NULL,  -- when the key was bound; 0 for none
    version      BIGINT NOT NULL,
    UNIQUE (member_id, device_id)
);

CREATE TABLE session (
    id            UUID PRIMARY KEY,
    member_id     UUID NOT NULL REFERENCES member (id),
    device_id     UUID NOT NULL,
    device_name   TEXT NOT NULL,
    ip            TEXT NOT NULL,
    methods       TEXT NOT NULL,   -- separated by spaces
    created_at    BIGINT NOT NULL,
    expires_at    BIGINT NOT NULL,
    last_used_at  BIGINT NOT NULL,
    proved_at     BIGINT NOT NULL, -- last right code; 0 for none
    stepped_up_at BIGINT NOT NULL, -- last right code after the session began; 0 for none
    ended_at      BIGINT NOT NULL, -- 0: open
    end_reason    TEXT NOT NULL,
    version       BIGINT NOT NULL
);
CREATE INDEX session_member ON session (member_id, ended_at);
CREATE INDEX session_end ON session (expires_at);
CREATE INDEX session_step_up ON session (stepped_up_at) WHERE stepped_up_at > 0;

-- What no longer holds although its token still says so. Every process reads
-- the new rows each second.
CREATE TABLE revocation (
    id      UUID PRIMARY KEY,
    subject UUID NOT NULL,         -- session
    at      BIGINT NOT NULL,
    keep    BIGINT NOT NULL        -- no token of the subject is good after then
);
CREATE INDEX revocation_at ON revocation (at);
