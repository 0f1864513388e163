#include "platforms/kernel/jobs.h"

#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>

#include "platforms/kernel/shared.h"

namespace ipcspec {
namespace {

// Waits for what should come soon; whether it came.
template <class Condition>
bool Await(Condition condition) {
  for (int i = 0; i < 10'000 && !condition(); ++i) usleep(1000);
  return condition();
}

TEST(Jobs, EachRunsOnceAndSeesWhatIsShared) {
  const Shared<std::atomic<int>> jobs, processes;
  const pid_t parent = getpid();
  EXPECT_EQ(RunJobs(3,
                    [&](int job) {
                      *jobs += 1 << job;
                      *processes += getppid() == parent;
                      return 0;
                    }),
            0);
  EXPECT_EQ(*jobs, 7);
  EXPECT_EQ(*processes, 3);
}

TEST(Jobs, AStatusIsPassedOnAndTheOthersGoOn) {
  const Shared<std::atomic<int>> ended;
  EXPECT_EQ(RunJobs(2,
                    [&](int job) {
                      if (job == 1) return 3;
                      ++*ended;
                      return 0;
                    }),
            3);
  EXPECT_EQ(*ended, 1);
}

// A job that would not end by itself; also where a test fails it does not stay.
int Wait(const Shared<std::atomic<int>>& waiting) {
  alarm(60);
  ++*waiting;
  for (;;) pause();
}

TEST(Jobs, OneThatIsKilledEndsTheOthers) {
  const Shared<std::atomic<int>> waiting;
  EXPECT_EQ(RunJobs(3,
                    [&](int job) {
                      if (job != 1) return Wait(waiting);
                      Await([&] { return *waiting == 2; });
                      raise(SIGKILL);
                      return 0;
                    }),
            128 + SIGKILL);
}

TEST(Jobs, ASignalReachesEach) {
  const Shared<std::atomic<int>> waiting, told;
  const pid_t process = fork();
  if (process == 0) {
    static const Shared<std::atomic<int>>* at = &told;
    const int status = RunJobs(2, [&](int) {
      std::signal(SIGINT, [](int) {
        ++**at;
        _exit(7);
      });
      return Wait(waiting);
    });
    _exit(status);
  }
  EXPECT_TRUE(Await([&] { return *waiting == 2; }));
  kill(process, SIGINT);
  int status = 0;
  EXPECT_EQ(waitpid(process, &status, 0), process);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 7);
  EXPECT_EQ(*told, 2);
}

TEST(Jobs, TheyDoNotOutliveTheirStarter) {
  const Shared<std::atomic<int>> waiting, told;
  const pid_t process = fork();
  if (process == 0) {
    static const Shared<std::atomic<int>>* at = &told;
    RunJobs(2, [&](int) {
      std::signal(SIGTERM, [](int) {
        ++**at;
        _exit(7);
      });
      return Wait(waiting);
    });
    _exit(0);
  }
  EXPECT_TRUE(Await([&] { return *waiting == 2; }));
  kill(process, SIGKILL);
  EXPECT_EQ(waitpid(process, nullptr, 0), process);
  EXPECT_TRUE(Await([&] { return *told == 2; }));
}

TEST(Jobs, OrphansAreNoJobs) {
  ASSERT_EQ(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
  const Shared<std::atomic<pid_t>> orphan;
  EXPECT_EQ(RunJobs(1,
                    [&](int) {
                      const pid_t parent = fork();
                      if (parent == 0) {
                        const pid_t child = fork();
                        if (child == 0) raise(SIGKILL);
                        *orphan = child;
                        _exit(0);
                      }
                      waitpid(parent, nullptr, 0);
                      // Until it was waited for.
                      return Await([&] { return kill(*orphan, 0) != 0; }) ? 0 : 1;
                    }),
            0);
  prctl(PR_SET_CHILD_SUBREAPER, 0);
}

TEST(Jobs, ThereIsAProcessor) { EXPECT_GE(ProcessorsHere(), 1); }

}  // namespace
}  // namespace ipcspec
