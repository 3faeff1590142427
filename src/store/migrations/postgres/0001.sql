-- Moments are seconds since the Unix epoch. Members are named by their id, accounts by (app_id, openid).
-- What is sorted, or compared in any case of letters, is so by bytes (COLLATE "C"), whatever the language of the database.

-- One row: which store this is (also in the file `store.id` in data_dir), and the newest migration it has seen.
CREATE TABLE wxgate (
    store_id TEXT NOT NULL,
    schema BIGINT NOT NULL
);

CREATE TABLE members (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    status TEXT NOT NULL,
    user_name TEXT,
    display_name TEXT,
    groups TEXT NOT NULL,
    is_admin BOOLEAN NOT NULL,
    unionid TEXT,
    profile_name TEXT NOT NULL,
    avatar TEXT NOT NULL,
    request_code TEXT,
    request_message TEXT,
    requested BIGINT,
    created BIGINT NOT NULL,
    signed_in BIGINT NOT NULL,
    ended_before BIGINT NOT NULL,
    -- Everything a search looks at, in small letters (text.rs).
    search TEXT NOT NULL
);
CREATE UNIQUE INDEX members_user_name ON members (lower(user_name COLLATE "C"));
CREATE UNIQUE INDEX members_unionid ON members (unionid);
-- The order of pages. Who waits is listed by when they asked.
CREATE INDEX members_signed_in ON members (signed_in DESC, id);
CREATE INDEX members_status ON members (status, signed_in DESC, id);
CREATE INDEX members_pending ON members (coalesce(requested, created), id) WHERE status = 'pending';
CREATE INDEX members_admin ON members (id) WHERE is_admin AND status = 'active';

CREATE TABLE accounts (
    app_id TEXT NOT NULL,
    openid TEXT NOT NULL,
    member TEXT COLLATE "C" NOT NULL REFERENCES members (id) ON DELETE CASCADE,
    unionid TEXT,
    first_seen BIGINT NOT NULL,
    last_seen BIGINT NOT NULL,
    PRIMARY KEY (app_id, openid)
);
CREATE INDEX accounts_member ON accounts (member, first_seen);

CREATE TABLE sessions (
    id BYTEA NOT NULL PRIMARY KEY,
    member TEXT COLLATE "C" NOT NULL REFERENCES members (id) ON DELETE CASCADE,
    started BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    browser TEXT NOT NULL,
    client TEXT,
    ended BOOLEAN NOT NULL DEFAULT FALSE
);
CREATE INDEX sessions_member ON sessions (member, started DESC);
CREATE INDEX sessions_ended ON sessions (member, expires) WHERE ended;
CREATE INDEX sessions_expires ON sessions (expires);

-- What was used that may be used once.
CREATE TABLE claims (
    kind TEXT NOT NULL,
    id BYTEA NOT NULL,
    expires BIGINT NOT NULL,
    PRIMARY KEY (kind, id)
);
CREATE INDEX claims_expires ON claims (expires);

CREATE TABLE invites (
    id TEXT NOT NULL PRIMARY KEY,
    code_hash BYTEA NOT NULL UNIQUE,
    groups TEXT NOT NULL,
    uses_left BIGINT,
    expires BIGINT NOT NULL,
    made_by TEXT NOT NULL,
    made_at BIGINT NOT NULL,
    note TEXT NOT NULL
);
CREATE INDEX invites_expires ON invites (expires);

CREATE TABLE setup_links (
    code_hash BYTEA NOT NULL PRIMARY KEY,
    expires BIGINT NOT NULL
);

-- Settled ones stay, so that they are not found again.
CREATE TABLE conflicts (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    app_id TEXT NOT NULL,
    openid TEXT NOT NULL,
    holder TEXT COLLATE "C" NOT NULL REFERENCES members (id) ON DELETE CASCADE,
    other TEXT COLLATE "C" NOT NULL REFERENCES members (id) ON DELETE CASCADE,
    unionid TEXT NOT NULL,
    found BIGINT NOT NULL,
    settled BOOLEAN NOT NULL DEFAULT FALSE,
    UNIQUE (app_id, openid, holder, other)
);
CREATE INDEX conflicts_open ON conflicts (found DESC, id) WHERE NOT settled;
CREATE INDEX conflicts_holder ON conflicts (holder);
CREATE INDEX conflicts_other ON conflicts (other);

CREATE TABLE audit (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at BIGINT NOT NULL,
    kind TEXT NOT NULL,
    -- A member's id, `command-line` or `gateway`.
    actor TEXT NOT NULL,
    -- No reference: a line outlives whom it is about.
    member TEXT,
    client TEXT,
    request_id TEXT,
    detail TEXT NOT NULL
);
CREATE INDEX audit_member ON audit (member, id);
CREATE INDEX audit_actor ON audit (actor, id);
CREATE INDEX audit_kind ON audit (kind, id);
CREATE INDEX audit_at ON audit (at);
