-- The roles stay. They belong to the cluster.
DROP TABLE workspace_members, role_permissions, workspace_usage, workspaces, access_tokens, users CASCADE;
DROP SCHEMA app CASCADE;
DROP TYPE workspace_role;
