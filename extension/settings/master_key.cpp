// Reading the master key from its file or command.
#include "extension/settings/master_key.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <vector>

#include "extension/core/aead.hpp"
#include "extension/core/encoding.hpp"
#include "extension/core/error.hpp"
#include "extension/pg/server.hpp"
#include "extension/settings/key_command.hpp"
#include "extension/settings/server_settings.hpp"

namespace latchkey::settings {

namespace {

constexpr size_t kMaxSize = 1024;  // of what is read
constexpr size_t kMaxKeys = 8;

[[noreturn]] void ThrowNotConfigured(const std::string& message, const std::string& hint) {
  throw Error(ErrorCode::kNotConfigured, message, {}, hint);
}

constexpr std::string_view kSpace = " \t\r\n";

std::optional<Secret> ParseHexKey(std::string_view digits) {
  if (digits.size() != 2 * kAeadKeySize) return std::nullopt;
  Secret key = Secret::OfSize(kAeadKeySize);
  if (!HexDecode(digits, key.data())) return std::nullopt;
  return key;
}

// 32 raw bytes; or keys of 64 hexadecimal digits with white space between and around them, the
// current one first. Empty when it is neither.
std::vector<Secret> ParseKeys(std::string_view text) {
  std::vector<Secret> keys;
  if (text.size() == kAeadKeySize) {
    keys.emplace_back(text);
    return keys;
  }
  for (size_t start = 0; (start = text.find_first_not_of(kSpace, start)) != text.npos;) {
    const size_t end = std::min(text.find_first_of(kSpace, start), text.size());
    auto key = ParseHexKey(text.substr(start, end - start));
    if (!key || keys.size() == kMaxKeys) return {};
    keys.push_back(std::move(*key));
    start = end;
  }
  return keys;
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

std::vector<Secret> LoadKeys() {
  const bool has_file = MasterKeyFile() != nullptr && MasterKeyFile()[0] != '\0';
  const bool has_command = MasterKeyCommand() != nullptr && MasterKeyCommand()[0] != '\0';
  if (!has_file && !has_command) {
    ThrowNotConfigured("there is no master key",
                       "Set latchkey.master_key_file or latchkey.master_key_command in "
                       "postgresql.conf and reload.");
  }
  const Secret text =
      has_file ? ReadKeyFile(MasterKeyFile()) : RunKeyCommand(MasterKeyCommand(), kMaxSize);
  auto keys = ParseKeys(text.view());
  if (keys.empty()) {
    ThrowNotConfigured("the master key is malformed",
                       "It has 32 bytes or 64 hexadecimal digits; up to 7 former keys of 64 digits "
                       "may follow it.");
  }
  return keys;
}

// The current one first. Kept until the server's configuration is loaded again.
const std::vector<Secret>& MasterKeys() {
  static auto& keys = *new std::vector<Secret>;
  static TimestampTz loaded_for = 0;
  if (keys.empty() || loaded_for != PgReloadTime) {
    keys = LoadKeys();
    loaded_for = PgReloadTime;
  }
  return keys;
}

}  // namespace

void LoadMasterKey() { MasterKeys(); }

std::string SealWithMasterKey(std::string_view plaintext, std::string_view context) {
  return Seal(MasterKeys().front().view(), plaintext, context);
}

Secret OpenWithMasterKey(std::string_view envelope, std::string_view context) {
  for (const Secret& key : MasterKeys()) {
    if (auto plaintext = Open(key.view(), envelope, context)) return std::move(*plaintext);
  }
  ThrowNotConfigured("a stored key or secret does not open with this master key",
                     "Restore the master key that was in use when it was stored, as a further line "
                     "after the current one.");
}

std::string MasterKeyFingerprint() { return KeyFingerprint(MasterKeys().front().view()); }

}  // namespace latchkey::settings
