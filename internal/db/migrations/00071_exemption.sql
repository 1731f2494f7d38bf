-- +goose Up
-- One row a member whose payments without a proof are counted (RTS Art 16). Two
-- payments at the same moment take turns behind it, so that the last free one is
-- one. us counts none and has no rows.
CREATE TABLE payment_exemption (
    member_id UUID PRIMARY KEY,
    asked_at  BIGINT NOT NULL
);
