// Whatever happens to a run, nothing is left behind: no process, no mount, no IPC object, no file.
//
// Each test runs the harness in a process of its own, looks at it from outside, and ends it. This
// process adopts every orphan (PR_SET_CHILD_SUBREAPER), so that a process which was left behind is
// a child that does not end.
#include "platforms/kernel/isolation.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/sem.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "impl/call/cat.h"
#include "platforms/kernel/kernel_system.h"
#include "platforms/kernel/probe.h"
#include "platforms/kernel/shared.h"

namespace ipcspec {
namespace {

constexpr key_t kKey = 0x1bc5bec1;
constexpr absl::Duration kPatience = absl::Seconds(20);

// What the run tells the test, through memory that both have.
struct Told {
  std::atomic<int> ready;
  std::atomic<int> pid;        // as the run sees itself
  std::atomic<int> isolated;   // in a PID and a mount namespace
  std::atomic<int> strangers;  // processes in /proc that the run did not make
  std::atomic<int> sets;       // semaphore sets that it found
};

class IsolationTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    char name[] = "/tmp/isolation_test.XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    directory_ = name;
    ASSERT_EQ(setenv("TMPDIR", name, 1), 0);
    mounts_ = Mounts();
  }
  void TearDown() override {
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }

  static std::string Mounts() {
    std::ifstream in("/proc/self/mounts");
    return {std::istreambuf_iterator<char>(in), {}};
  }

  // Starts a harness whose run has a task that sleeps in read(2), one that is idle, a FIFO and a
  // semaphore set, and then waits to be ended.
  pid_t StartHarness(const std::function<void()>& first = [] {}) {
    const pid_t harness = fork();
    if (harness != 0) return harness;
    first();
    _exit(RunIsolated([this](const Isolation& isolation) { return Body(isolation); }));
  }

  int Body(const Isolation& isolation) {
    told_->pid = getpid();
    told_->isolated = isolation.pid && isolation.mount && isolation.missing.empty();
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
      const int pid = std::atoi(entry.path().filename().c_str());
      told_->strangers += pid > 0 && pid != getpid();
    }
    seminfo info = {};
    if (semctl(0, 0, SEM_INFO, &info) >= 0) told_->sets = info.semusz;
    const ProbedMachine machine = Probe(isolation);
    auto system = KernelSystem::Create(isolation, machine.dialect);
    if (!system.ok() || !(*system)->Reset().ok()) return 90;
    std::vector<Event> events;
    int label = 1;
    const auto make = [&](int task, Call call) {
      const absl::Status submitted =
          (*system)->Submit(task, label++, std::make_shared<const Call>(std::move(call)), events);
      if (!submitted.ok() || !(*system)->Settle(events).ok()) _exit(91);
    };
    make(0, MakePipe{});
    make(0, Mkfifo{.path = "fifo"});
    if (isolation.ipc) make(0, Semget{.key = kKey, .nsems = 1, .flags = IPC_CREAT | 0600});
    if (machine.may_mount) make(0, Mkdir{.path = "d"}), make(0, MountTmpfs{.path = "d"});
    make(0, Fork{});
    make(label - 1, Read{.fd = 3, .count = 1});
    told_->ready = 1;
    for (;;) pause();
  }

  void AwaitReady(pid_t harness) {
    const absl::Time deadline = absl::Now() + kPatience;
    while (told_->ready == 0) {
      ASSERT_EQ(waitpid(harness, nullptr, WNOHANG), 0) << "the harness ended early";
      ASSERT_LT(absl::Now(), deadline);
      sched_yield();
    }
  }

  // The only child of a process; -1 if there is none.
  static pid_t ChildOf(pid_t parent) {
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
      const int pid = std::atoi(entry.path().filename().c_str());
      if (pid <= 0) continue;
      std::ifstream in(entry.path() / "stat");
      const std::string stat{std::istreambuf_iterator<char>(in), {}};
      const size_t name_ends = stat.rfind(')');
      if (name_ends != stat.npos && std::atoi(stat.c_str() + name_ends + 4) == parent) return pid;
    }
    return -1;
  }

  // The harness's wait status, once it and all that it started have ended.
  int AwaitAll(pid_t harness) {
    const absl::Time deadline = absl::Now() + kPatience;
    int result = -1;
    for (;;) {
      int status = 0;
      const pid_t ended = waitpid(-1, &status, WNOHANG);
      if (ended == harness) result = status;
      if (ended < 0) return result;
      if (ended > 0) continue;
      if (absl::Now() > deadline) {
        ADD_FAILURE() << "left behind: process " << ChildOf(getpid());
        return result;
      }
      sched_yield();
    }
  }

  void ExpectNothingLeft() {
    EXPECT_EQ(Mounts(), mounts_);
    EXPECT_EQ(semget(kKey, 0, 0), -1);
    EXPECT_TRUE(std::filesystem::is_empty(directory_)) << directory_;
  }

  const Shared<Told> told_;
  std::string directory_;
  std::string mounts_;
};

TEST_F(IsolationTest, TheBodysStatusComesBack) {
  for (int status : {0, 7}) {
    EXPECT_EQ(RunIsolated([status](const Isolation&) { return status; }), status);
  }
  ExpectNothingLeft();
}

TEST_F(IsolationTest, TheRunSeesNothingOfTheMachine) {
  const pid_t harness = StartHarness();
  AwaitReady(harness);
  kill(harness, SIGTERM);
  AwaitAll(harness);
  if (told_->isolated == 0) GTEST_SKIP() << "namespaces are not to be had here";
  EXPECT_EQ(told_->pid, 1);
  EXPECT_EQ(told_->strangers, 0);
  EXPECT_EQ(told_->sets, 0);
}

TEST_F(IsolationTest, AnInterruptEndsTheRun) {
  for (int signal : {SIGINT, SIGTERM}) {
    told_->ready = 0;
    const pid_t harness = StartHarness();
    AwaitReady(harness);
    kill(harness, signal);
    EXPECT_EQ(AwaitAll(harness), W_EXITCODE(128 + signal, 0));
    ExpectNothingLeft();
  }
}

TEST_F(IsolationTest, AKilledHarnessLeavesNothing) {
  const pid_t harness = StartHarness();
  AwaitReady(harness);
  if (told_->isolated == 0) {
    kill(harness, SIGTERM);
    AwaitAll(harness);
    GTEST_SKIP() << "without a PID namespace nobody ends the agents then";
  }
  kill(harness, SIGKILL);
  EXPECT_EQ(AwaitAll(harness), SIGKILL);
  ExpectNothingLeft();
}

TEST_F(IsolationTest, AKilledRunLeavesNothing) {
  const pid_t harness = StartHarness();
  AwaitReady(harness);
  const pid_t run = ChildOf(harness);
  ASSERT_GT(run, 0);
  kill(run, SIGKILL);
  EXPECT_EQ(AwaitAll(harness), W_EXITCODE(128 + SIGKILL, 0));
  ExpectNothingLeft();
}

void WriteTo(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

// Where no namespace is to be had the run goes on, and its parent cleans up.
TEST_F(IsolationTest, WithoutNamespacesTheParentCleansUp) {
  const pid_t harness = StartHarness([] {
    const int uid = static_cast<int>(getuid()), gid = static_cast<int>(getgid());
    if (unshare(CLONE_NEWUSER) != 0) _exit(93);
    WriteTo("/proc/self/setgroups", "deny");
    WriteTo("/proc/self/uid_map", Cat("0 ", uid, " 1\n"));
    WriteTo("/proc/self/gid_map", Cat("0 ", gid, " 1\n"));
    for (const char* kind : {"user", "pid", "mnt", "ipc", "net"}) {
      WriteTo(Cat("/proc/sys/user/max_", kind, "_namespaces"), "0\n");
    }
    if (unshare(CLONE_NEWIPC) == 0) _exit(93);
  });
  const absl::Time deadline = absl::Now() + kPatience;
  while (told_->ready == 0) {
    int status = 0;
    if (waitpid(harness, &status, WNOHANG) == harness) {
      ASSERT_EQ(status, W_EXITCODE(93, 0)) << "the harness ended early";
      GTEST_SKIP() << "there are no user namespaces to try this in";
    }
    ASSERT_LT(absl::Now(), deadline);
    sched_yield();
  }
  EXPECT_EQ(told_->isolated, 0);
  EXPECT_FALSE(std::filesystem::is_empty(directory_));
  const pid_t run = ChildOf(harness);
  ASSERT_GT(run, 0);
  kill(run, SIGKILL);
  EXPECT_EQ(AwaitAll(harness), W_EXITCODE(128 + SIGKILL, 0));
  ExpectNothingLeft();
}

}  // namespace
}  // namespace ipcspec

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
