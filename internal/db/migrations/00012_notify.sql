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
    about      TEXT NOT NULL,   -- what the message belongs to, as a challenge's id; empty for nothing
    delivery   TEXT NOT NULL CHECK (delivery IN ('', 'handed', 'accepted', 'sent', 'expired', 'failed', 'delivered')),
    told_at    BIGINT NOT NULL, -- when delivery last changed
    handed_as  TEXT NOT NULL,   -- the gateway's own id, where it gives one
    created_at BIGINT NOT NULL,
    useless_at BIGINT NOT NULL,
    ended_at   BIGINT NOT NULL
);

CREATE INDEX notification_member ON notification (member_id, id);
CREATE INDEX notification_sealed ON notification (created_at) WHERE sealed IS NOT NULL;
CREATE INDEX notification_about ON notification (about, id) WHERE about <> '';
CREATE INDEX notification_handed ON notification (handed_as) WHERE handed_as <> '';
CREATE INDEX notification_recent ON notification (channel, created_at);
