-- +goose Up
-- What an operator said of an advice that core could not carry out. Each is dealt
-- with once: the key decides between two who say so at the same time.
CREATE TABLE advice_dealt (
    advice_id UUID PRIMARY KEY REFERENCES advice (id),
    dealt_by  UUID NOT NULL,       -- of staff
    dealt_at  BIGINT NOT NULL,
    note      TEXT NOT NULL        -- what was done; nothing of the member
);
DROP INDEX advice_refused;
CREATE INDEX advice_unfinished ON advice (taken_at, id) WHERE state IN ('refused', 'aside');
