#include "platforms/kernel/jobs.h"

#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>

#include "impl/call/check.h"

namespace ipcspec {
namespace {

constexpr int kMost = 256;

// For the handler, which must find all of them.
std::array<volatile pid_t, kMost> processes;
volatile sig_atomic_t started = 0;

void PassOn(int signal) {
  for (int i = 0; i < started; ++i) {
    const pid_t pid = processes[static_cast<size_t>(i)];
    if (pid > 0) kill(pid, signal);
  }
}

// Moves to the processor whose turn it is; later the job may go elsewhere.
void StartOn(int job) {
  cpu_set_t all, one;
  CPU_ZERO(&all);
  CPU_ZERO(&one);
  if (sched_getaffinity(0, sizeof all, &all) != 0) return;
  int left = job % CPU_COUNT(&all), cpu = 0;
  while (!CPU_ISSET(cpu, &all) || left-- > 0) ++cpu;
  CPU_SET(cpu, &one);
  if (sched_setaffinity(0, sizeof one, &one) == 0) sched_setaffinity(0, sizeof all, &all);
}

}  // namespace

int ProcessorsHere() {
  cpu_set_t set;
  CPU_ZERO(&set);
  // Fails on machines of more than 1024, and where it is not known.
  return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}

int RunJobs(int count, const std::function<int(int)>& body) {
  IPCSPEC_CHECK(count >= 1 && count <= kMost, "1 to 256 jobs");
  std::fflush(nullptr);
  // Nobody is told of a signal before all are there to be told.
  sigset_t both, before;
  sigemptyset(&both), sigaddset(&both, SIGINT), sigaddset(&both, SIGTERM);
  sigprocmask(SIG_BLOCK, &both, &before);
  started = 0;
  int status = 0;
  const pid_t parent = getpid();
  for (int job = 0; job < count; ++job) {
    const pid_t child = fork();
    if (child == 0) {
      prctl(PR_SET_PDEATHSIG, SIGTERM);
      if (getppid() != parent) _exit(128 + SIGTERM);
      sigprocmask(SIG_SETMASK, &before, nullptr);
      StartOn(job);
      const int gave = body(job);
      std::fflush(nullptr);
      _exit(gave);
    }
    if (child < 0) {
      std::fprintf(stderr, "ipcspec: cannot fork job %d of %d\n", job + 1, count);
      status = 3;
      break;
    }
    processes[static_cast<size_t>(job)] = child;
    started = job + 1;
  }
  struct sigaction pass_on = {}, old_int = {}, old_term = {};
  pass_on.sa_handler = PassOn;
  sigaction(SIGINT, &pass_on, &old_int);
  sigaction(SIGTERM, &pass_on, &old_term);
  sigprocmask(SIG_SETMASK, &before, nullptr);
  for (int left = started; left > 0;) {
    // Its number is nobody else's until it is waited for: no signal is passed on to it any more.
    siginfo_t who = {};
    if (waitid(P_ALL, 0, &who, WEXITED | WNOWAIT) < 0 && errno == EINTR) continue;
    IPCSPEC_CHECK(who.si_pid > 0, "a job is lost");
    const auto job = std::find(processes.begin(), processes.end(), who.si_pid);
    const bool is_job = job != processes.end();
    if (is_job) *job = 0;
    int ended = 0;
    waitpid(who.si_pid, &ended, 0);
    if (!is_job) continue;  // an orphan, of which this process takes care (as init, say)
    --left;
    const int gave = WIFEXITED(ended) ? WEXITSTATUS(ended) : 128 + WTERMSIG(ended);
    if (gave >= 128 && status < 128) PassOn(SIGTERM);
    if (status == 0) status = gave;
  }
  sigaction(SIGINT, &old_int, nullptr);
  sigaction(SIGTERM, &old_term, nullptr);
  return status;
}

}  // namespace ipcspec
