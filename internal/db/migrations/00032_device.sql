-- +goose Up
-- Proofs of a device's key that were used. A row is one nonce of ours, so that
-- a proof counts once; the session is what it led to, for a repetition of the
-- same request after a lost answer.
CREATE TABLE device_proof (
    nonce      BYTEA PRIMARY KEY,
    member_id  UUID NOT NULL,
    session_id UUID,            -- NULL: it led to none
    used_at    BIGINT NOT NULL,
    keep_until BIGINT NOT NULL  -- the nonce is refused for its age from then on
);
CREATE INDEX device_proof_keep ON device_proof (keep_until);

-- Until when everything that a member had open is over, one row a member. It goes
-- forward only. Every process reads the rows that are new each second.
CREATE TABLE member_cutoff (
    member_id UUID PRIMARY KEY,
    before    BIGINT NOT NULL, -- sessions that were begun before then are over
    reason    TEXT NOT NULL,
    at        BIGINT NOT NULL, -- when the row was written
    version   BIGINT NOT NULL
);
CREATE INDEX member_cutoff_at ON member_cutoff (at);

-- What was typed into a form whose session had ended, until its member has signed
-- in again: one form a session, sealed under the master key.
CREATE TABLE kept_form (
    session_id UUID PRIMARY KEY, -- that had ended
    member_id  UUID NOT NULL,    -- nobody else is given it
    sealed     BYTEA NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX kept_form_end ON kept_form (expires_at);
