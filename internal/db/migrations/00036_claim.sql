-- +goose Up
-- Claims: attempts of people who are not signed in to be given a new way in. A
-- claim is there whether or not a member stands behind it, with the same columns
-- filled in, so that making and answering one tells nobody which members exist.
CREATE TABLE claim (
    id          UUID PRIMARY KEY,
    kind        TEXT NOT NULL,     -- recovery, enrolment, assisted
    member_id   UUID,              -- NULL: nobody stands behind it
    reference   TEXT NOT NULL UNIQUE, -- ten digits for the telephone, which say nothing by themselves
    scope       BYTEA NOT NULL,    -- one claim is open in a scope: a flow, and who it claims to be
    flow        BYTEA NOT NULL,    -- keyed hash of the flow's id
    subject     BYTEA NOT NULL,    -- keyed hash of who it claims to be, which its failures count for
    known       BOOLEAN NOT NULL,  -- from a device that the member trusts, whose failures count apart
    nonce       BYTEA NOT NULL,    -- of what a passkey signs
    data        TEXT NOT NULL,     -- JSON, for its messages
    ip          TEXT NOT NULL,
    user_agent  TEXT NOT NULL,
    device_id   TEXT NOT NULL,     -- the browser's identity; empty for none
    sends       BIGINT NOT NULL,   -- times that a code was asked for
    sent_at     BIGINT NOT NULL,   -- the last of them; 0 for none
    tries_left  BIGINT NOT NULL,
    proved      TEXT NOT NULL,     -- ways that were answered rightly, separated by spaces
    answered    BYTEA NOT NULL,    -- keyed hash of the last right answer, which may come again
    answered_at BIGINT NOT NULL,   -- 0: none yet
    created_at  BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL,
    ready_at    BIGINT NOT NULL,   -- 0: not yet enough was proved
    ended_at    BIGINT NOT NULL,   -- 0: open
    outcome     TEXT NOT NULL      -- empty, done, tries (too many wrong), stopped
);
CREATE UNIQUE INDEX claim_open ON claim (scope) WHERE ended_at = 0;
CREATE INDEX claim_member ON claim (member_id) WHERE ended_at = 0;
CREATE INDEX claim_end ON claim (expires_at);
