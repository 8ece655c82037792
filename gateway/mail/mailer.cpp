// The mail queue, and running the mail program without a shell.
#include "gateway/mail/mailer.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>
#include <vector>

#include "gateway/http/connection_loop.hpp"
#include "gateway/http/log.hpp"

extern char** environ;

namespace latchkey {
namespace {

constexpr size_t kMaxWaiting = 1000;

// What the program shall not see of our environment: the way into the database.
std::vector<char*> EnvironmentForMail() {
  std::vector<char*> kept;
  for (char** entry = environ; *entry; ++entry) {
    const std::string_view text(*entry);
    const bool secret = text.substr(0, 2) == "PG" ||
                        text.substr(0, 21) == "LATCHKEY_DATABASE_URL" ||
                        text.substr(0, 28) == "LATCHKEY_WORKER_DATABASE_URL";
    if (!secret) kept.push_back(*entry);
  }
  kept.push_back(nullptr);
  return kept;
}

// Starts the program with its standard input on a pipe, and its output nowhere: our own standard
// output is the log. Returns its process id, or -1.
pid_t Spawn(const std::string& command, int& input_fd) {
  int pipe_fds[2];
  if (pipe2(pipe_fds, O_CLOEXEC) != 0) return -1;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, pipe_fds[0], STDIN_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none, defaults;
  sigemptyset(&none);
  sigemptyset(&defaults);
  sigaddset(&defaults, SIGPIPE);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  char* arguments[] = {const_cast<char*>(command.c_str()), nullptr};
  pid_t child = -1;
  std::vector<char*> environment = EnvironmentForMail();
  const int rc =
      posix_spawnp(&child, command.c_str(), &actions, &attributes, arguments, environment.data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  close(pipe_fds[0]);
  if (rc != 0) {
    close(pipe_fds[1]);
    return -1;
  }
  input_fd = pipe_fds[1];
  return child;
}

void WriteLine(int fd, const std::string& line, int64_t deadline_ms) {
  fcntl(fd, F_SETFL, O_NONBLOCK);
  size_t done = 0;
  while (done < line.size() && MonotonicMs() < deadline_ms) {
    const ssize_t written = write(fd, line.data() + done, line.size() - done);
    if (written >= 0) {
      done += static_cast<size_t>(written);
    } else if (errno == EAGAIN) {
      pollfd ready = {fd, POLLOUT, 0};
      poll(&ready, 1, 100);
    } else if (errno != EINTR) {
      break;  // the program does not want to read it
    }
  }
  close(fd);
}

}  // namespace

void Mailer::Start() {
  if (configured()) thread_ = std::thread([this] { Work(); });
}

void Mailer::Stop(int64_t grace_ms) {
  give_up_ms_ = MonotonicMs() + grace_ms;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
}

bool Mailer::HasRoom() const { return waiting() < kMaxWaiting; }

size_t Mailer::waiting() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return queue_.size();
}

void Mailer::Send(std::string line) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    queue_.push_back(std::move(line));
  }
  changed_.notify_one();
}

void Mailer::Work() {
  std::unique_lock<std::mutex> lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (queue_.empty()) return;
    if (stopping_ && MonotonicMs() >= give_up_ms_) return;
    const std::string line = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    if (Deliver(line + "\n")) {
      sent_.fetch_add(1, std::memory_order_relaxed);
    } else {
      failed_.fetch_add(1, std::memory_order_relaxed);
      LogEvent("error", "the mail program failed");
    }
    lock.lock();
  }
}

bool Mailer::Deliver(const std::string& line) const {
  int64_t deadline_ms = MonotonicMs() + options_.timeout_ms;
  int input_fd = -1;
  const pid_t child = Spawn(options_.command, input_fd);
  if (child < 0) return false;
  WriteLine(input_fd, line, deadline_ms);
  int status = 0;
  while (true) {
    const pid_t ended = waitpid(child, &status, WNOHANG);
    if (ended == child) return WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (ended < 0 && errno != EINTR) return false;
    const int64_t give_up_ms = give_up_ms_.load();
    if (give_up_ms != 0 && give_up_ms < deadline_ms) deadline_ms = give_up_ms;
    if (MonotonicMs() >= deadline_ms) break;
    usleep(5000);
  }
  kill(child, SIGKILL);
  waitpid(child, &status, 0);
  return false;
}

}  // namespace latchkey
