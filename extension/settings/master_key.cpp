// Reading the master key from its file or command.
#include "extension/settings/master_key.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <optional>

#include "extension/core/aead.hpp"
#include "extension/core/encoding.hpp"
#include "extension/core/error.hpp"
#include "extension/pg/server.hpp"
#include "extension/settings/key_command.hpp"
#include "extension/settings/server_settings.hpp"

namespace latchkey::settings {

namespace {

constexpr size_t kMaxSize = 256;  // of what is read

[[noreturn]] void ThrowNotConfigured(const std::string& message, const std::string& hint) {
  throw Error(ErrorCode::kNotConfigured, message, {}, hint);
}

// 32 raw bytes, or 64 hexadecimal digits with white space around them.
std::optional<Secret> ParseKey(std::string_view text) {
  if (text.size() == kAeadKeySize) return Secret(text);
  const size_t start = text.find_first_not_of(" \t\r\n");
  const size_t end = text.find_last_not_of(" \t\r\n");
  if (start == std::string_view::npos || end - start + 1 != 2 * kAeadKeySize) return std::nullopt;
  Secret key = Secret::OfSize(kAeadKeySize);
  if (!HexDecode(text.substr(start, 2 * kAeadKeySize), key.data())) return std::nullopt;
  return key;
}

Secret ReadAll(int fd) {
  Secret text = Secret::OfSize(kMaxSize);
  size_t size = 0;
  while (size < kMaxSize) {
    const ssize_t got = read(fd, text.data() + size, kMaxSize - size);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    size += static_cast<size_t>(got);
  }
  text.Shrink(size);
  return text;
}

Secret ReadKeyFile(const char* path) {
  // Without O_NONBLOCK a named pipe would hold us here, deaf to a cancel, before we can see what it
  // is.
  const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  if (fd < 0) {
    ThrowNotConfigured(std::string("the master key file cannot be read: ") + strerror(errno),
                       "Check latchkey.master_key_file.");
  }
  struct stat status {};
  const bool known = fstat(fd, &status) == 0;
  const bool private_file = known && S_ISREG(status.st_mode) && (status.st_mode & 077) == 0 &&
                            (status.st_uid == geteuid() || status.st_uid == 0);
  Secret text = private_file ? ReadAll(fd) : Secret();
  close(fd);
  if (!private_file) {
    ThrowNotConfigured(
        "the master key file can be read by others than the server",
        "Set the mode of latchkey.master_key_file to 0600 and its owner to the server's account.");
  }
  return text;
}

Secret LoadKey() {
  const bool has_file = MasterKeyFile() != nullptr && MasterKeyFile()[0] != '\0';
  const bool has_command = MasterKeyCommand() != nullptr && MasterKeyCommand()[0] != '\0';
  if (!has_file && !has_command) {
    ThrowNotConfigured("there is no master key",
                       "Set latchkey.master_key_file or latchkey.master_key_command in "
                       "postgresql.conf and reload.");
  }
  const Secret text =
      has_file ? ReadKeyFile(MasterKeyFile()) : RunKeyCommand(MasterKeyCommand(), kMaxSize);
  auto key = ParseKey(text.view());
  if (!key) {
    ThrowNotConfigured("the master key is malformed", "It has 32 bytes or 64 hexadecimal digits.");
  }
  return std::move(*key);
}

// Kept until the server's configuration is loaded again.
const Secret& MasterKey() {
  static Secret& key = *new Secret;
  static TimestampTz loaded_for = 0;
  if (key.empty() || loaded_for != PgReloadTime) {
    key = LoadKey();
    loaded_for = PgReloadTime;
  }
  return key;
}

}  // namespace

void LoadMasterKey() { MasterKey(); }

std::string SealWithMasterKey(std::string_view plaintext, std::string_view context) {
  return Seal(MasterKey().view(), plaintext, context);
}

Secret OpenWithMasterKey(std::string_view envelope, std::string_view context) {
  auto plaintext = Open(MasterKey().view(), envelope, context);
  if (!plaintext) {
    ThrowNotConfigured("a stored key does not open with this master key",
                       "Restore the master key that was in use when it was stored.");
  }
  return std::move(*plaintext);
}

}  // namespace latchkey::settings
