// What /proc is taken to say of a process in each of its states.
#include "platforms/kernel/proc_watch.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <ctime>

namespace ipcspec {
namespace {

// A child that does this until it is killed.
class Child {
 public:
  template <class Body>
  explicit Child(Body body) : pid_(fork()) {
    if (pid_ != 0) return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    body();
    _exit(0);
  }
  ~Child() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  pid_t pid() const { return pid_; }

 private:
  const pid_t pid_;
};

// Looks until the process is in that state, or for ten seconds.
ProcLook LookFor(ProcWatch& watch, ProcLook::State state) {
  const time_t give_up = time(nullptr) + 10;
  ProcLook look = watch.Look();
  while (look.state != state && time(nullptr) < give_up) {
    sched_yield();
    look = watch.Look();
  }
  return look;
}

void Sleep() {
  for (;;) pause();
}
void Spin() {
  for (;;) asm volatile("");
}

class ProcWatchTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!ProcTellsBlocked()) GTEST_SKIP() << "/proc does not tell of system calls here";
  }
};

TEST_F(ProcWatchTest, SleepsInACall) {
  const Child child(Sleep);
  ProcWatch watch(child.pid());
  const ProcLook first = LookFor(watch, ProcLook::kBlocked);
  ASSERT_EQ(first.state, ProcLook::kBlocked);
  EXPECT_EQ(first.syscall, SYS_pause);
  EXPECT_GT(first.switches, 0);
  EXPECT_FALSE(watch.Running());
  EXPECT_EQ(watch.Look().switches, first.switches) << "it has not slept all the time";
}

TEST_F(ProcWatchTest, Runs) {
  const Child child(Spin);
  ProcWatch watch(child.pid());
  EXPECT_EQ(LookFor(watch, ProcLook::kRunning).state, ProcLook::kRunning);
  EXPECT_TRUE(watch.Running());
}

TEST_F(ProcWatchTest, IsStopped) {
  const Child child(Spin);
  ProcWatch watch(child.pid());
  kill(child.pid(), SIGSTOP);
  EXPECT_EQ(LookFor(watch, ProcLook::kStopped).state, ProcLook::kStopped);
  EXPECT_FALSE(watch.Running());
  kill(child.pid(), SIGCONT);
  EXPECT_EQ(LookFor(watch, ProcLook::kRunning).state, ProcLook::kRunning);
}

TEST_F(ProcWatchTest, IsDeadBeforeAnyoneWaitsForIt) {
  const Child child([] { _exit(3); });
  ProcWatch watch(child.pid());
  const ProcLook look = LookFor(watch, ProcLook::kDead);
  ASSERT_EQ(look.state, ProcLook::kDead);
  EXPECT_EQ(look.status, W_EXITCODE(3, 0));
  EXPECT_FALSE(watch.Running());
}

TEST_F(ProcWatchTest, IsKilledWhileItIsWatched) {
  const Child child(Sleep);
  ProcWatch watch(child.pid());
  int status = 0;
  EXPECT_FALSE(watch.Dead(&status));
  kill(child.pid(), SIGKILL);
  EXPECT_EQ(LookFor(watch, ProcLook::kDead).status, SIGKILL);
}

}  // namespace
}  // namespace ipcspec
