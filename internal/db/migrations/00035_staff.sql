-- +goose Up
-- Who staff work for. There is one issuer, made at the first start; its row is
-- also what changes of people's rights take turns behind. Others are suppliers.
CREATE TABLE staff_organisation (
    id         UUID PRIMARY KEY,
    kind       TEXT NOT NULL,            -- issuer, supplier
    name       TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    ended_at   BIGINT NOT NULL           -- 0: not; its people end with it
);
CREATE UNIQUE INDEX staff_issuer ON staff_organisation (kind) WHERE kind = 'issuer';

CREATE TABLE staff_person (
    id              UUID PRIMARY KEY,
    organisation_id UUID NOT NULL REFERENCES staff_organisation (id),
    name            TEXT NOT NULL,
    role            TEXT NOT NULL,       -- agent, supervisor, operator, auditor
    until           BIGINT NOT NULL,     -- a supplier's people sign in before then; 0: no end
    created_at      BIGINT NOT NULL,
    set_up_at       BIGINT NOT NULL,     -- when the first passkey was made; 0: never
    ended_at        BIGINT NOT NULL,     -- 0: not
    failed          BIGINT NOT NULL,     -- tries since the last that was right, or since the lock
    locked_until    BIGINT NOT NULL      -- 0: never was
);
CREATE INDEX staff_person_by_organisation ON staff_person (organisation_id);

-- One-time links by which people make their first passkey.
CREATE TABLE staff_link (
    id         UUID PRIMARY KEY,
    person_id  UUID NOT NULL REFERENCES staff_person (id),
    digest     BYTEA NOT NULL,           -- SHA-256 of the link's secret, which is kept nowhere
    expires_at BIGINT NOT NULL
);
CREATE INDEX staff_link_by_person ON staff_link (person_id);

CREATE TABLE staff_session (
    id         UUID PRIMARY KEY,
    person_id  UUID NOT NULL REFERENCES staff_person (id),
    digest     BYTEA NOT NULL,           -- SHA-256 of the cookie's secret
    created_at BIGINT NOT NULL,
    seen_at    BIGINT NOT NULL,          -- of its latest request
    proved_at  BIGINT NOT NULL           -- when a passkey last said who it is
);
CREATE INDEX staff_session_by_person ON staff_session (person_id);
CREATE INDEX staff_session_by_age ON staff_session (created_at);

-- Refusals of the running hour, so that the audit log keeps them one by one only
-- up to a limit.
CREATE TABLE staff_refusal (
    subject TEXT PRIMARY KEY,            -- a person, an address block of strangers, or all strangers
    since   BIGINT NOT NULL,
    number  BIGINT NOT NULL
);
CREATE INDEX staff_refusal_by_age ON staff_refusal (since);
