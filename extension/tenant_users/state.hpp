// What a tenant's database is to have of its users, as SQL.
#pragma once

namespace latchkey::tenant_users {

// Columns 1 to 6 are those of latchkey.tenant_user_state, of rows `t` of latchkey.tenant_users; the
// moment is parameter `now`. Of who is unknown or deleted no address and name remain.
#define LATCHKEY_TENANT_USER_STATE(now)                                                      \
  " t.user_id, coalesce(u.email, '') AS email, u.name, coalesce(best.role, 'none') AS role," \
  " CASE WHEN best.role IS NULL OR u.id IS NULL THEN 'deleted' ELSE u.status END AS status," \
  " t.version"                                                                               \
  " FROM latchkey.tenant_users t LEFT JOIN latchkey.users u ON u.id = t.user_id"             \
  " LEFT JOIN LATERAL (SELECT g.role FROM latchkey.role_grants g"                            \
  " WHERE g.user_id = t.user_id AND g.tenant_id = t.tenant_id"                               \
  " AND (g.expires_at IS NULL OR g.expires_at > " now                                        \
  ")"                                                                                        \
  " ORDER BY CASE g.role WHEN 'owner' THEN 1 WHEN 'admin' THEN 2 WHEN 'staff' THEN 3"        \
  " WHEN 'customer' THEN 5 ELSE 4 END, g.role COLLATE \"C\" LIMIT 1) AS best ON true "

}  // namespace latchkey::tenant_users
