// Starting a program without a shell, and reading what it says.
#include "gateway/work/child_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>

extern char** environ;

namespace latchkey {
namespace {

constexpr int kSliceMs = 50;
constexpr size_t kMaxOutput = 64 << 20;
constexpr size_t kMaxErrors = 4000;
constexpr int kNotFound = 127;

std::vector<std::string> Environment(const std::vector<std::string>& own) {
  std::vector<std::string> all;
  for (char** entry = environ; *entry; ++entry) {
    const std::string_view text(*entry);
    if (text.substr(0, 2) != "PG" && text.substr(0, 9) != "LATCHKEY_") all.emplace_back(text);
  }
  all.insert(all.end(), own.begin(), own.end());
  return all;
}

std::vector<char*> Pointers(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

// Both ends are closed on exec.
class Pipe {
 public:
  Pipe() : ok_(pipe2(fds_, O_CLOEXEC) == 0) {}
  ~Pipe() {
    CloseWriter();
    if (ok_) close(fds_[0]);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  bool ok() const { return ok_; }
  int reader() const { return fds_[0]; }
  int writer() const { return fds_[1]; }
  void CloseWriter() {
    if (ok_ && fds_[1] >= 0) close(fds_[1]);
    fds_[1] = -1;
  }
  // False at its end.
  bool Read(std::string& text, size_t most) {
    char buffer[65536];
    const ssize_t got = read(fds_[0], buffer, sizeof buffer);
    if (got < 0) return errno == EINTR || errno == EAGAIN;
    if (text.size() < most) {
      text.append(buffer, std::min(static_cast<size_t>(got), most - text.size()));
    }
    return got > 0;
  }

 private:
  int fds_[2] = {-1, -1};
  const bool ok_;
};

// In the child, where only what is safe after fork() in a process with threads may be called.
[[noreturn]] void Execute(char* const* arguments, char* const* environment, const Pipe& output,
                          const Pipe& errors, pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(kNotFound);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  signal(SIGPIPE, SIG_DFL);
  const int input = open("/dev/null", O_RDONLY);
  if (input < 0 || dup2(input, STDIN_FILENO) < 0 || dup2(output.writer(), STDOUT_FILENO) < 0 ||
      dup2(errors.writer(), STDERR_FILENO) < 0) {
    _exit(kNotFound);
  }
  execvpe(arguments[0], arguments, environment);
  _exit(kNotFound);
}

}  // namespace

ChildResult RunChild(const std::vector<std::string>& command,
                     const std::vector<std::string>& environment,
                     const std::function<bool()>& go_on) {
  ChildResult result;
  Pipe output, errors;
  if (!output.ok() || !errors.ok()) return result;
  const std::vector<std::string> variables = Environment(environment);
  const std::vector<char*> arguments = Pointers(command);
  const std::vector<char*> entries = Pointers(variables);
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child < 0) return result;
  if (child == 0) Execute(arguments.data(), entries.data(), output, errors, parent);
  output.CloseWriter();
  errors.CloseWriter();
  pollfd ready[] = {{output.reader(), POLLIN, 0}, {errors.reader(), POLLIN, 0}};
  while (ready[0].fd >= 0 || ready[1].fd >= 0) {
    if (!result.stopped && !go_on()) {
      result.stopped = true;
      kill(child, SIGKILL);
    }
    if (poll(ready, 2, kSliceMs) <= 0) continue;
    if (ready[0].revents && !output.Read(result.output, kMaxOutput)) ready[0].fd = -1;
    if (ready[1].revents && !errors.Read(result.errors, kMaxErrors)) ready[1].fd = -1;
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  result.started = !(WIFEXITED(status) && WEXITSTATUS(status) == kNotFound);
  result.cut = result.output.size() == kMaxOutput;
  result.succeeded = !result.stopped && WIFEXITED(status) && WEXITSTATUS(status) == 0;
  return result;
}

}  // namespace latchkey
