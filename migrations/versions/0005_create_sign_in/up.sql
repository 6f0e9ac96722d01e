-- Sign-in: passwords, provider identities, sessions, one-time links. Also user settings and devices.

CREATE TABLE user_credentials (  -- the local way to sign in, for those who have a password
  user_id uuid PRIMARY KEY REFERENCES users ON DELETE CASCADE,
  password_hash text NOT NULL CHECK (password_hash LIKE '$argon2id$%' AND length(password_hash) <= 512),
  updated_at timestamptz NOT NULL DEFAULT now());
CREATE TRIGGER touch BEFORE UPDATE ON user_credentials
  FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION app.touch();

CREATE TABLE user_identities (  -- the same person at an OpenID Connect provider
  issuer text NOT NULL CHECK (length(issuer) <= 2000), subject text NOT NULL CHECK (length(subject) <= 1000),
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  claims jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(claims) = 'object'),
  created_at timestamptz NOT NULL DEFAULT now(), last_used_at timestamptz, PRIMARY KEY (issuer, subject));
CREATE INDEX user_identities_user ON user_identities (user_id);

CREATE TABLE devices (  -- what people work on: a browser, a phone, a program
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE, id text NOT NULL CHECK (length(id) BETWEEN 1 AND 200),
  name text CHECK (length(name) <= 200), kind text CHECK (kind IN ('web', 'desktop', 'mobile', 'api')),
  client_version text CHECK (length(client_version) <= 100),
  acked_cursor text CHECK (length(acked_cursor) <= 500), last_sync_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(), last_seen_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (user_id, id));

-- A row is a session that may be used until it expires; ending one deletes it. Of the cookie only the SHA-256 is kept;
-- what the provider gave is encrypted by the server, whose key is not here.
CREATE TABLE sessions (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(), user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  token_hash bytea NOT NULL UNIQUE CHECK (octet_length(token_hash) = 32),
  provider_tokens bytea,
  user_agent text CHECK (length(user_agent) <= 500), ip_address inet, device_id text CHECK (length(device_id) <= 200),
  created_at timestamptz NOT NULL DEFAULT now(), last_activity_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL, CHECK (expires_at > created_at));
CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX sessions_expires ON sessions (expires_at);

-- Links that work once. A `verify` link is a registration that waits for its address to be proved: there is no user yet.
-- `mailed`: opening it proves the address.
CREATE TABLE sign_in_links (
  token_hash bytea PRIMARY KEY CHECK (octet_length(token_hash) = 32),
  purpose text NOT NULL CHECK (purpose IN ('sign_in', 'reset', 'verify')),
  user_id uuid REFERENCES users ON DELETE CASCADE,
  email text CHECK (length(email) <= 320), display_name text CHECK (length(display_name) <= 255),
  password_hash text CHECK (password_hash LIKE '$argon2id$%'),
  mailed boolean NOT NULL DEFAULT false,
  created_at timestamptz NOT NULL DEFAULT now(), expires_at timestamptz NOT NULL, CHECK (expires_at > created_at),
  CHECK (CASE purpose WHEN 'verify' THEN user_id IS NULL AND email IS NOT NULL AND password_hash IS NOT NULL
         ELSE user_id IS NOT NULL END));
CREATE INDEX sign_in_links_user ON sign_in_links (user_id);
CREATE INDEX sign_in_links_expires ON sign_in_links (expires_at);

-- Attempts to sign in, by the SHA-256 of what is counted (an address with an account, an address alone).
CREATE TABLE sign_in_attempts (
  key bytea PRIMARY KEY CHECK (octet_length(key) = 32),
  attempts integer NOT NULL DEFAULT 1, last_at timestamptz NOT NULL DEFAULT now(),
  blocked_until timestamptz NOT NULL DEFAULT '-infinity') WITH (fillfactor = 50);
CREATE INDEX sign_in_attempts_last ON sign_in_attempts (last_at);

CREATE TABLE user_settings (
  user_id uuid PRIMARY KEY REFERENCES users ON DELETE CASCADE,
  theme text NOT NULL DEFAULT 'system' CHECK (theme IN ('system', 'light', 'dark')),
  language text NOT NULL DEFAULT 'en' CHECK (language ~ '^[A-Za-z0-9]+(-[A-Za-z0-9]+)*$' AND length(language) <= 35),
  editor jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(editor) = 'object'),
  render jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(render) = 'object'),
  notifications jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(notifications) = 'object'),
  extra jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(extra) = 'object'),
  created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now());
CREATE TRIGGER touch BEFORE UPDATE ON user_settings
  FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION app.touch();

CREATE TABLE user_activity_days (  -- a row a day, instead of a column of users rewritten by every request
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE, day date NOT NULL DEFAULT current_date,
  last_seen_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (user_id, day));
CREATE INDEX user_activity_days_day ON user_activity_days (day);

-- A sign-in is no change of the account.
DROP TRIGGER touch ON users;
CREATE TRIGGER touch BEFORE UPDATE ON users FOR EACH ROW
  WHEN (OLD.* IS DISTINCT FROM NEW.* AND OLD.last_login_at IS NOT DISTINCT FROM NEW.last_login_at)
  EXECUTE FUNCTION app.touch();

ALTER TABLE user_credentials ENABLE ROW LEVEL SECURITY;
ALTER TABLE user_identities ENABLE ROW LEVEL SECURITY;
ALTER TABLE devices ENABLE ROW LEVEL SECURITY;
ALTER TABLE sessions ENABLE ROW LEVEL SECURITY;
ALTER TABLE sign_in_links ENABLE ROW LEVEL SECURITY;
ALTER TABLE sign_in_attempts ENABLE ROW LEVEL SECURITY;
ALTER TABLE user_settings ENABLE ROW LEVEL SECURITY;
ALTER TABLE user_activity_days ENABLE ROW LEVEL SECURITY;
CREATE POLICY internal ON user_credentials TO app_service USING (true) WITH CHECK (true);
CREATE POLICY internal ON sign_in_links TO app_service USING (true) WITH CHECK (true);
CREATE POLICY internal ON sign_in_attempts TO app_service, app_admin USING (true) WITH CHECK (true);
CREATE POLICY internal ON user_identities TO app_service, app_admin USING (true) WITH CHECK (true);
CREATE POLICY internal ON devices TO app_service, app_admin USING (true) WITH CHECK (true);
CREATE POLICY internal ON sessions TO app_service, app_admin USING (true) WITH CHECK (true);
CREATE POLICY internal ON user_settings TO app_service, app_admin USING (true) WITH CHECK (true);
CREATE POLICY internal ON user_activity_days TO app_service, app_admin USING (true) WITH CHECK (true);
CREATE POLICY own ON user_identities FOR SELECT TO app_readwrite, app_readonly USING (user_id = (SELECT app.user_id()));
CREATE POLICY own ON user_activity_days FOR SELECT TO app_readwrite, app_readonly
  USING (user_id = (SELECT app.user_id()));
CREATE POLICY own ON sessions TO app_readwrite, app_readonly USING (user_id = (SELECT app.user_id()));
CREATE POLICY own ON devices TO app_readwrite, app_readonly
  USING (user_id = (SELECT app.user_id())) WITH CHECK (user_id = (SELECT app.user_id()));
CREATE POLICY own ON user_settings TO app_readwrite, app_readonly
  USING (user_id = (SELECT app.user_id())) WITH CHECK (user_id = (SELECT app.user_id()));
CREATE POLICY own ON access_tokens TO app_readwrite, app_readonly
  USING (user_id = (SELECT app.user_id())) WITH CHECK (user_id = (SELECT app.user_id()));

-- Operators see that there are sessions and who has them, but neither password hashes nor what opens a session.
GRANT SELECT, INSERT, UPDATE, DELETE ON user_credentials, user_identities, devices, sessions, sign_in_links,
  sign_in_attempts, user_settings, user_activity_days TO app_service;
GRANT SELECT, DELETE ON user_identities, devices, sign_in_attempts, user_settings, user_activity_days TO app_admin;
GRANT DELETE, SELECT (id, user_id, user_agent, ip_address, device_id, created_at, last_activity_at, expires_at)
  ON sessions TO app_admin;
GRANT SELECT ON user_identities, devices, user_settings, user_activity_days TO app_readonly, app_readwrite;
GRANT SELECT (id, user_id, user_agent, ip_address, device_id, created_at, last_activity_at, expires_at)
  ON sessions TO app_readonly, app_readwrite;
GRANT SELECT (id, user_id, name, scopes, last_used_at, expires_at, revoked_at, created_at)
  ON access_tokens TO app_readonly, app_readwrite;
GRANT DELETE ON sessions TO app_readwrite;
GRANT UPDATE (revoked_at) ON access_tokens TO app_readwrite;
GRANT INSERT, UPDATE, DELETE ON devices, user_settings TO app_readwrite;
