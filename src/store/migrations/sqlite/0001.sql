-- Moments are seconds since the Unix epoch. Members are named by their id, accounts by (app_id, openid).

-- One row: which store this is (also in the file `store.id` in data_dir), and the newest migration it has seen.
CREATE TABLE wxgate (
    store_id TEXT NOT NULL,
    schema INTEGER NOT NULL
) STRICT;

CREATE TABLE members (
    id TEXT NOT NULL PRIMARY KEY,
    status TEXT NOT NULL,
    user_name TEXT,
    display_name TEXT,
    groups TEXT NOT NULL,
    is_admin INTEGER NOT NULL,
    unionid TEXT,
    profile_name TEXT NOT NULL,
    avatar TEXT NOT NULL,
    request_code TEXT,
    request_message TEXT,
    requested INTEGER,
    created INTEGER NOT NULL,
    signed_in INTEGER NOT NULL,
    ended_before INTEGER NOT NULL,
    -- Everything a search looks at, in small letters (text.rs).
    search TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX members_user_name ON members (lower(user_name));
CREATE UNIQUE INDEX members_unionid ON members (unionid);
-- The order of pages. A search reads along it, so what it looks at is there too. Who waits is listed by when they asked.
CREATE INDEX members_signed_in ON members (signed_in DESC, id, search);
CREATE INDEX members_status ON members (status, signed_in DESC, id, search);
CREATE INDEX members_count ON members (status);
CREATE INDEX members_pending ON members (coalesce(requested, created), id) WHERE status = 'pending';
CREATE INDEX members_admin ON members (id) WHERE is_admin = 1 AND status = 'active';

CREATE TABLE accounts (
    app_id TEXT NOT NULL,
    openid TEXT NOT NULL,
    member TEXT NOT NULL REFERENCES members (id) ON DELETE CASCADE,
    unionid TEXT,
    first_seen INTEGER NOT NULL,
    last_seen INTEGER NOT NULL,
    PRIMARY KEY (app_id, openid)
) STRICT, WITHOUT ROWID;
CREATE INDEX accounts_member ON accounts (member, first_seen);

CREATE TABLE sessions (
    id BLOB NOT NULL PRIMARY KEY,
    member TEXT NOT NULL REFERENCES members (id) ON DELETE CASCADE,
    started INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    browser TEXT NOT NULL,
    client TEXT,
    ended INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX sessions_member ON sessions (member, started DESC);
CREATE INDEX sessions_ended ON sessions (member, expires) WHERE ended = 1;
CREATE INDEX sessions_expires ON sessions (expires);

-- What was used that may be used once.
CREATE TABLE claims (
    kind TEXT NOT NULL,
    id BLOB NOT NULL,
    expires INTEGER NOT NULL,
    PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX claims_expires ON claims (expires);

CREATE TABLE invites (
    id TEXT NOT NULL PRIMARY KEY,
    code_hash BLOB NOT NULL UNIQUE,
    groups TEXT NOT NULL,
    uses_left INTEGER,
    expires INTEGER NOT NULL,
    made_by TEXT NOT NULL,
    made_at INTEGER NOT NULL,
    note TEXT NOT NULL
) STRICT;
CREATE INDEX invites_expires ON invites (expires);

CREATE TABLE setup_links (
    code_hash BLOB NOT NULL PRIMARY KEY,
    expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Settled ones stay, so that they are not found again.
CREATE TABLE conflicts (
    id TEXT NOT NULL PRIMARY KEY,
    app_id TEXT NOT NULL,
    openid TEXT NOT NULL,
    holder TEXT NOT NULL REFERENCES members (id) ON DELETE CASCADE,
    other TEXT NOT NULL REFERENCES members (id) ON DELETE CASCADE,
    unionid TEXT NOT NULL,
    found INTEGER NOT NULL,
    settled INTEGER NOT NULL DEFAULT 0,
    UNIQUE (app_id, openid, holder, other)
) STRICT;
CREATE INDEX conflicts_open ON conflicts (found DESC, id) WHERE settled = 0;
CREATE INDEX conflicts_holder ON conflicts (holder);
CREATE INDEX conflicts_other ON conflicts (other);

CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    -- A member's id, `command-line` or `gateway`.
    actor TEXT NOT NULL,
    -- No reference: a line outlives whom it is about.
    member TEXT,
    client TEXT,
    request_id TEXT,
    detail TEXT NOT NULL
) STRICT;
CREATE INDEX audit_member ON audit (member, id);
CREATE INDEX audit_actor ON audit (actor, id);
CREATE INDEX audit_kind ON audit (kind, id);
CREATE INDEX audit_at ON audit (at);
