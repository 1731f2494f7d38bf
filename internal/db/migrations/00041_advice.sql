-- +goose Up
-- What the cell's stand-in did while core did not answer, each advice with what
-- came of it. The row and its effect are one transaction. body holds no secret.
CREATE TABLE advice (
    standin      TEXT NOT NULL,        -- the stand-in's store, which counts its advices from 1
    seq          BIGINT NOT NULL,
    id           UUID NOT NULL UNIQUE,
    kind         TEXT NOT NULL,        -- payment, freeze, session-opened, session-ended, failures
    member_id    UUID NOT NULL,
    at           BIGINT NOT NULL,      -- when the stand-in did it
    contents     BYTEA NOT NULL,       -- SHA-256 of all that a repeat must have in common
    body         TEXT NOT NULL,
    confirmation TEXT NOT NULL,        -- that the member was given for a payment; else empty
    state        TEXT NOT NULL,        -- applied, already, refused
    code         TEXT NOT NULL,        -- of the refusal
    message      TEXT NOT NULL,
    result       TEXT NOT NULL,        -- JSON
    taken_at     BIGINT NOT NULL,
    PRIMARY KEY (standin, seq)
);
CREATE INDEX advice_member ON advice (member_id, taken_at);
CREATE INDEX advice_refused ON advice (taken_at) WHERE state = 'refused';
CREATE INDEX advice_confirmation ON advice (confirmation) WHERE confirmation <> '';
