-- +goose Up
-- Messages to members. sealed holds address, subject, text and code until the message
-- is sent or given up, and nothing afterwards; what stays is that it was sent, and to
-- which address in masked form.
CREATE TABLE notification (
    id         UUID PRIMARY KEY,
    member_id  TEXT NOT NULL,
    channel    TEXT NOT NULL,
    template   TEXT NOT NULL,
    locale     TEXT NOT NULL,
    masked_to  TEXT NOT NULL,
    sealed     BYTEA,
    status     TEXT NOT NULL CHECK (status IN ('queued', 'sent', 'failed')),
    attempts   BIGINT NOT NULL,
    problem    TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    useless_at BIGINT NOT NULL,
    ended_at   BIGINT NOT NULL
);

CREATE INDEX notification_member ON notification (member_id, id);
CREATE INDEX notification_sealed ON notification (created_at) WHERE sealed IS NOT NULL;
