// Reading a template's folder.
#include "gateway/tenants/template.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "gateway/tenants/sql_statements.hpp"

namespace latchkey {
namespace {

constexpr off_t kMaxBytes = 16 << 20;
constexpr size_t kMaxName = 63;  // PostgreSQL's, of a schema

bool IsLower(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

bool IsTemplateName(const std::string& name) {
  return !name.empty() && name.size() <= kMaxName && name[0] >= 'a' && name[0] <= 'z' &&
         std::all_of(name.begin(), name.end(), IsLower) && name.rfind("pg_", 0) != 0 &&
         name.rfind("latchkey", 0) != 0;
}

// NNNN_name.sql
bool IsFileName(const std::string& name) {
  const size_t size = name.size();
  return size > 9 && name[4] == '_' && name.compare(size - 4, 4, ".sql") == 0 &&
         std::all_of(name.begin(), name.begin() + 4, IsDigit) &&
         std::all_of(name.begin() + 5, name.end() - 4, IsLower);
}

std::string Checksum(const std::string& bytes) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), digest, &size, EVP_sha256(), nullptr) != 1) {
    throw std::bad_alloc();
  }
  std::string hex;
  for (unsigned int i = 0; i < size; ++i) {
    char pair[3];
    std::snprintf(pair, sizeof(pair), "%02x", digest[i]);
    hex += pair;
  }
  return hex;
}

// Returns what is wrong with the file, empty when nothing is.
std::string ReadFile(int folder, TemplateFile& file) {
  const int fd = openat(folder, file.name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0)
    return errno == ELOOP ? "is a link" : std::string("can't be read: ") + strerror(errno);
  struct stat status = {};
  std::string wrong;
  if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
    wrong = "is no regular file";
  } else if (status.st_size > kMaxBytes) {
    wrong = "is larger than 16 MiB";
  } else {
    char buffer[65536];
    ssize_t got;
    while ((got = read(fd, buffer, sizeof(buffer))) > 0) {
      file.sql.append(buffer, static_cast<size_t>(got));
    }
    if (got < 0) wrong = std::string("can't be read: ") + strerror(errno);
  }
  close(fd);
  return wrong;
}

std::string CheckText(const TemplateFile& file) {
  if (file.sql.find('\0') != std::string::npos) return "contains a null byte";
  const std::vector<SqlStatement> statements = FindStatements(file.sql);
  if (statements.empty()) return "has no statement";
  for (const SqlStatement& statement : statements) {
    if (!ControlsTransaction(statement)) continue;
    return "begins or ends a transaction in line " + std::to_string(statement.line) +
           ": a file is applied in one of its own";
  }
  return "";
}

// The names of the folder's files in their order; the template's error when one is refused.
std::vector<std::string> ListFiles(DIR* folder, Template& out) {
  std::vector<std::string> names;
  while (const dirent* entry = readdir(folder)) {
    const std::string name = entry->d_name;
    if (name == "." || name == ".." || name == "README.md") continue;
    if (!IsFileName(name)) out.error = name + " is not called NNNN_name.sql";
    names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  if (names.empty()) out.error = "the folder is empty";
  for (size_t i = 0; i < names.size() && out.error.empty(); ++i) {
    const size_t number = std::stoul(names[i].substr(0, 4));
    if (i > 0 && names[i].compare(0, 4, names[i - 1], 0, 4) == 0) {
      out.error = names[i - 1] + " and " + names[i] + " have the same number";
    } else if (number != i + 1) {
      const std::string digits = std::to_string(i + 1);
      out.error = "there is no file " + std::string(4 - std::min<size_t>(4, digits.size()), '0') +
                  digits + " before " + names[i];
    }
  }
  return names;
}

}  // namespace

Template ReadTemplate(const std::string& folder, const std::string& name) {
  Template out;
  out.name = name;
  if (!IsTemplateName(name)) {
    out.error = "\"" + name + "\" is no name of a template: lower-case letters, digits and _";
    return out;
  }
  const std::string path = folder + "/" + name;
  const int fd = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) {
    const bool link = errno == ELOOP || errno == ENOTDIR;
    out.error = path + (link ? ": is no folder, or a link" : std::string(": ") + strerror(errno));
    return out;
  }
  const std::unique_ptr<DIR, int (*)(DIR*)> open_folder(fdopendir(fd), closedir);
  if (!open_folder) {
    close(fd);
    throw std::bad_alloc();
  }
  for (const std::string& file_name : ListFiles(open_folder.get(), out)) {
    if (!out.error.empty()) break;
    TemplateFile file{file_name, "", ""};
    std::string wrong = ReadFile(fd, file);
    if (wrong.empty()) wrong = CheckText(file);
    if (!wrong.empty()) out.error = file_name + " " + wrong;
    file.checksum = Checksum(file.sql);
    out.files.push_back(std::move(file));
  }
  if (!out.error.empty()) out.error = "template " + name + ": " + out.error;
  return out;
}

}  // namespace latchkey
