// Reading lines from a terminal whose echo is off, or from a pipe.
#include "gateway/commands/terminal.hpp"

#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <iterator>

namespace latchkey {
namespace {

constexpr int kSignals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};

volatile sig_atomic_t caught_signal = 0;

void OnSignal(int signal) { caught_signal = signal; }

// While it lives, signals are held back but where Wait() lets them through, and only noted.
class SignalsNoted {
 public:
  SignalsNoted() {
    sigset_t held;
    sigemptyset(&held);
    for (const int signal : kSignals) sigaddset(&held, signal);
    sigprocmask(SIG_BLOCK, &held, &before_);
    caught_signal = 0;
    struct sigaction action = {};
    action.sa_handler = OnSignal;
    for (size_t i = 0; i < std::size(kSignals); ++i) {
      sigaction(kSignals[i], nullptr, &actions_[i]);
      // What is ignored stays so: nohup, a shell's background jobs.
      if (actions_[i].sa_handler != SIG_IGN) sigaction(kSignals[i], &action, nullptr);
    }
  }
  ~SignalsNoted() {
    for (size_t i = 0; i < std::size(kSignals); ++i) sigaction(kSignals[i], &actions_[i], nullptr);
    sigprocmask(SIG_SETMASK, &before_, nullptr);
  }
  SignalsNoted(const SignalsNoted&) = delete;
  SignalsNoted& operator=(const SignalsNoted&) = delete;

  // Until there is something to read. False: a signal came first.
  bool Wait() const {
    pollfd input = {STDIN_FILENO, POLLIN, 0};
    while (!caught_signal) {
      if (ppoll(&input, 1, nullptr, &before_) >= 0 || errno != EINTR) return true;
    }
    return false;
  }

 private:
  sigset_t before_;
  struct sigaction actions_[std::size(kSignals)];
};

class EchoOff {
 public:
  explicit EchoOff(bool wanted) : off_(wanted && tcgetattr(STDIN_FILENO, &before_) == 0) {
    if (!off_) return;
    termios silent = before_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO | ECHOE | ECHOK | ECHONL);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
  }
  ~EchoOff() {
    if (!off_) return;
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
    std::fputc('\n', stderr);  // the user's own was not echoed
  }
  EchoOff(const EchoOff&) = delete;
  EchoOff& operator=(const EchoOff&) = delete;

 private:
  termios before_ = {};
  bool off_;
};

// Reads on to the end of a line that is too long, so that nothing of it is taken for the next.
Line ReadLine(const SignalsNoted& signals, size_t max_bytes) {
  std::string text;
  bool too_long = false;
  for (size_t count = 0;; ++count) {
    char c = 0;
    if (!signals.Wait()) return {std::nullopt, "interrupted"};
    const ssize_t got = read(STDIN_FILENO, &c, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return {std::nullopt, "standard input can't be read"};
    if (got == 0 && count == 0) return {std::nullopt, "the input has ended"};
    if (got == 0 || c == '\n') break;
    too_long = too_long || text.size() == max_bytes;
    if (!too_long) text += c;
  }
  if (too_long) {
    return {std::nullopt, "the input is longer than " + std::to_string(max_bytes) + " bytes"};
  }
  return {text, ""};
}

}  // namespace

bool InputIsTerminal() { return isatty(STDIN_FILENO) == 1; }

Line AskLine(const std::string& prompt, bool echo, size_t max_bytes) {
  const bool is_terminal = InputIsTerminal();
  for (;;) {
    Line line;
    int signal = 0;
    {
      const SignalsNoted signals;
      const EchoOff off(is_terminal && !echo);
      if (is_terminal) std::fputs(prompt.c_str(), stderr);
      line = ReadLine(signals, max_bytes);
      signal = caught_signal;
    }
    if (!signal) return line;
    raise(signal);  // which stops or ends us; who goes on after a stop is asked again
  }
}

}  // namespace latchkey
