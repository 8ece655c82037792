// The master key's command: a child process, bounded in time.
#include "extension/settings/key_command.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>

#include "extension/core/error.hpp"
#include "extension/pg/fence.hpp"

namespace latchkey::settings {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kLimit{10};
constexpr int kPollMs = 20;  // bounds the wait for a signal that came just before poll()

[[noreturn]] void ThrowFailed(const char* message) {
  throw Error(ErrorCode::kNotConfigured, message, {}, "Check latchkey.master_key_command.");
}

// A process group of its own: the command is often a shell, and its children must go with it.
pid_t Spawn(const char* command, int output) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  sigset_t all, none;
  sigfillset(&all);
  sigemptyset(&none);
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setsigmask(&attributes, &none);
  char* const arguments[] = {const_cast<char*>("sh"), const_cast<char*>("-c"),
                             const_cast<char*>(command), nullptr};
  pid_t pid = -1;
  const int failure = posix_spawn(&pid, "/bin/sh", &actions, &attributes, arguments, environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return failure == 0 ? pid : -1;
}

class Command {
 public:
  explicit Command(const char* text) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) ThrowFailed("the master key command could not be started");
    output_ = ends[0];
    pid_ = Spawn(text, ends[1]);
    close(ends[1]);
    if (pid_ < 0) {
      close(output_);
      ThrowFailed("the master key command could not be started");
    }
  }
  ~Command() {
    Kill();
    close(output_);
  }
  Command(const Command&) = delete;
  Command& operator=(const Command&) = delete;

  Secret Read(size_t max_size) {
    Secret text = Secret::OfSize(max_size);
    size_t size = 0;
    while (size < max_size) {
      if (!Poll(output_)) continue;
      const ssize_t got = read(output_, text.data() + size, max_size - size);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) break;
      size += static_cast<size_t>(got);
    }
    text.Shrink(size);
    return text;
  }

  // As waitpid() gives it.
  int WaitForExit() {
    int status = -1;
    pid_t ended;
    while ((ended = waitpid(pid_, &status, WNOHANG)) == 0) Poll(-1);
    if (ended > 0) pid_ = -1;
    return status;
  }

 private:
  // Waits a moment. True when there is something to read.
  bool Poll(int fd) {
    if (Clock::now() >= deadline_)
      ThrowFailed("the master key command took longer than 10 seconds");
    // A backend that is terminated ends within the server, and runs no destructor.
    if (ProcDiePending) Kill();
    pg::CheckInterrupts();
    struct pollfd wanted {
      fd, POLLIN, 0
    };
    return poll(&wanted, 1, kPollMs) > 0;
  }

  void Kill() {
    if (pid_ < 0) return;
    kill(-pid_, SIGKILL);
    while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) continue;
    pid_ = -1;
  }

  const Clock::time_point deadline_ = Clock::now() + kLimit;
  int output_ = -1;
  pid_t pid_ = -1;
};

}  // namespace

Secret RunKeyCommand(const char* command, size_t max_size) {
  Command running(command);
  Secret text = running.Read(max_size);
  const bool complete = text.view().size() < max_size;
  if (complete && running.WaitForExit() != 0) ThrowFailed("the master key command failed");
  return text;
}

}  // namespace latchkey::settings
