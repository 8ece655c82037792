// A folder for files that nobody else may see, and that don't outlive their use.
#pragma once

#include <string>

namespace latchkey {

// Made in a folder that others may share, and removed with its files at the end. What a process
// that died has left there is removed by the next one that comes.
class PrivateFolder {
 public:
  explicit PrivateFolder(const std::string& parent);
  ~PrivateFolder();
  PrivateFolder(const PrivateFolder&) = delete;
  PrivateFolder& operator=(const PrivateFolder&) = delete;

  // Why there is none; empty: there is one.
  const std::string& error() const { return error_; }
  std::string File(const char* name) const { return path_ + "/" + name; }

 private:
  std::string path_;
  std::string error_;
  int lock_ = -1;
};

}  // namespace latchkey
