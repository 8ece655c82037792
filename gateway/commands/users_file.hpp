// Reading a file of users, entry by entry, in any of the layouts that come along.
#pragma once

#include <string>
#include <vector>

namespace latchkey {

struct UserEntry {
  size_t position = 0;  // in the file, from 1
  std::string email;    // as the file has it
  std::string json;     // the entry as an object with the member "email"
  std::string shown;    // the same without passwords, for the file of rejected entries
  std::string reason;   // why it can't even be sent; empty: it can
};

struct UsersFile {
  std::vector<UserEntry> entries;
  std::string error;  // empty: the file could be read
};

// Layouts: {"users": {email: {...}}}, {"users": [{...}]}, {email: {...}} or [{"email": ...}]. A key
// that stands twice makes two entries: parsing into a map would silently drop one.
UsersFile ReadUsersFile(const std::string& path);

}  // namespace latchkey
