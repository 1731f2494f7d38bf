-- +goose Up
-- Authenticator apps (TOTP, RFC 6238). A member has at most one that is in use.
CREATE TABLE authenticator (
    id           UUID PRIMARY KEY,
    member_id    UUID NOT NULL REFERENCES member (id),
    secret       BYTEA NOT NULL,  -- sealed under the master key
    created_at   BIGINT NOT NULL,
    confirmed_at BIGINT NOT NULL, -- 0: not yet in use
    removed_at   BIGINT NOT NULL, -- 0: not removed
    step         BIGINT NOT NULL, -- last step whose code was taken; it and those before are over
    drift        BIGINT NOT NULL, -- how far the app's clock is ahead of ours, in steps
    last_used_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX authenticator_in_use ON authenticator (member_id) WHERE confirmed_at > 0 AND removed_at = 0;
CREATE INDEX authenticator_member ON authenticator (member_id);

-- Recovery codes: each counts once in place of a code.
CREATE TABLE recovery_code (
    member_id UUID NOT NULL REFERENCES member (id),
    hash      BYTEA NOT NULL,     -- under the master key
    made_at   BIGINT NOT NULL,
    used_at   BIGINT NOT NULL,    -- 0: still good
    PRIMARY KEY (member_id, hash)
);
