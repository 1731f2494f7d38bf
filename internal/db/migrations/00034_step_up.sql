-- +goose Up
-- What a member agreed to, by what, and what came of it: kept for those who must
-- show later that a payment was authenticated (RTS (EU) 2018/389 Art 29; PSD2
-- Art 72). The row is made with the challenge, completed by the right answer,
-- and again by what used the proof. Whatever an auditor needs stands in it.
CREATE TABLE step_up_evidence (
    challenge_id       UUID PRIMARY KEY,
    member_id          UUID NOT NULL REFERENCES member (id),
    session_id         UUID NOT NULL,
    kind               TEXT NOT NULL,   -- of the action
    action             TEXT NOT NULL,   -- text of the action; its SHA-256 is what the proof is bound to
    asked_at           BIGINT NOT NULL,
    way                TEXT NOT NULL,   -- text, voice, email, app, passkey; empty until answered
    sent_to            TEXT NOT NULL,   -- of a code, masked
    proved_at          BIGINT NOT NULL, -- 0: not answered
    object_id          TEXT NOT NULL,   -- what the proof was used for, as a payment's id
    redeemed_at        BIGINT NOT NULL, -- 0: not used
    passkey_id         TEXT NOT NULL,   -- what follows is of passkeys only
    credential_id      BYTEA NOT NULL,
    public_key         BYTEA NOT NULL,
    rp_id              TEXT NOT NULL,
    origin             TEXT NOT NULL,
    nonce              BYTEA NOT NULL,
    client_data        BYTEA NOT NULL,
    authenticator_data BYTEA NOT NULL,
    signature          BYTEA NOT NULL
);
CREATE INDEX step_up_evidence_object ON step_up_evidence (object_id) WHERE redeemed_at > 0;
CREATE INDEX step_up_evidence_unused ON step_up_evidence (asked_at) WHERE redeemed_at = 0;
