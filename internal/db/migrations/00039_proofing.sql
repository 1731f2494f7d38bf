-- +goose Up
-- What an agent's proofing gave a claim of kind assisted, once a second person
-- approved it. A row is there whether or not a member stands behind the claim.
CREATE TABLE assistance (
    claim_id    UUID PRIMARY KEY REFERENCES claim (id),
    lost        TEXT NOT NULL,     -- factors that end: app, passkeys, recovery-codes, devices; separated by spaces
    phone       TEXT NOT NULL,     -- the new number, to which a code went; empty: unchanged
    email       TEXT NOT NULL,     -- the new address; empty: unchanged
    old_phone   TEXT NOT NULL,     -- as it was at completion, should it be stopped afterwards
    old_email   TEXT NOT NULL,
    approved_at BIGINT NOT NULL,
    stopped_at  BIGINT NOT NULL    -- 0: not
);

-- Cases: what staff checked of somebody who has lost every way in. They hold
-- nothing of a member but what the member gave to be reached by from now on.
CREATE TABLE proofing_case (
    id             UUID PRIMARY KEY,
    claim_id       UUID NOT NULL REFERENCES claim (id),
    reference      TEXT NOT NULL,  -- the claim's, as the member reads it out
    state          TEXT NOT NULL,  -- submitted, approved, refused
    proofs         TEXT NOT NULL,  -- that were checked, separated by spaces
    lost           TEXT NOT NULL,
    phone          TEXT NOT NULL,
    email          TEXT NOT NULL,
    reason         TEXT NOT NULL,  -- of a refusal
    submitted_by   UUID NOT NULL,
    submitted_at   BIGINT NOT NULL,
    submitted_sign TEXT NOT NULL,  -- JSON: what the passkey signed
    decided_by     UUID,
    decided_at     BIGINT NOT NULL,
    decided_sign   TEXT NOT NULL
);
CREATE UNIQUE INDEX proofing_case_claim ON proofing_case (claim_id);
CREATE INDEX proofing_case_age ON proofing_case (submitted_at);
