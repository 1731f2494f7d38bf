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
