// Folders that are locked while they are in use: the lock ends with the process.
#include "gateway/tenants/private_folder.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace latchkey {
namespace {

constexpr char kPrefix[] = "latchkey-dump-";

std::vector<std::string> NamesIn(const std::string& path) {
  std::vector<std::string> names;
  DIR* folder = opendir(path.c_str());
  if (!folder) return names;
  while (const dirent* entry = readdir(folder)) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
  }
  closedir(folder);
  return names;
}

void Remove(const std::string& path) {
  for (const std::string& name : NamesIn(path)) unlink((path + "/" + name).c_str());
  rmdir(path.c_str());
}

// A descriptor that holds the lock; -1: it is somebody's, or no folder of ours.
int Lock(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  struct stat about = {};
  if (fd >= 0 && fstat(fd, &about) == 0 && about.st_uid == geteuid() &&
      flock(fd, LOCK_EX | LOCK_NB) == 0) {
    return fd;
  }
  if (fd >= 0) close(fd);
  return -1;
}

void RemoveLeftOver(const std::string& parent) {
  for (const std::string& name : NamesIn(parent)) {
    if (name.compare(0, sizeof kPrefix - 1, kPrefix) != 0) continue;
    const std::string path = parent + "/" + name;
    const int fd = Lock(path);
    if (fd < 0) continue;
    Remove(path);
    close(fd);
  }
}

bool IsThere(int fd) {
  struct stat about = {};
  return fstat(fd, &about) == 0 && about.st_nlink > 0;
}

}  // namespace

PrivateFolder::PrivateFolder(const std::string& parent) {
  constexpr int kAttempts = 5;
  RemoveLeftOver(parent);
  for (int i = 0; i < kAttempts; ++i) {
    std::string path = parent + "/" + kPrefix + "XXXXXX";
    if (!mkdtemp(path.data())) break;
    path_ = path;
    lock_ = Lock(path);
    // Another process may have found it before it was locked.
    if (lock_ >= 0 && IsThere(lock_)) return;
    if (lock_ >= 0) close(lock_);
    lock_ = -1;
  }
  error_ = "no folder can be made in " + parent + ": " + std::strerror(errno);
}

PrivateFolder::~PrivateFolder() {
  if (lock_ < 0) return;
  Remove(path_);
  close(lock_);
}

}  // namespace latchkey
