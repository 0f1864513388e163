// The first agent of a life comes from the nursery, and yet is the harness's own.
#include "platforms/kernel/nursery.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <vector>

#include "platforms/kernel/kernel_test.h"

namespace ipcspec {
namespace {

TEST(Nursery, LivesDoNotCopyTheMemoryOfTheHarness) {
  const std::unique_ptr<KernelSystem> system = NewKernelSystem();
  ASSERT_NE(system, nullptr);
  constexpr size_t kPage = 4096, kPages = 4000;
  std::vector<char> memory(kPages * kPage, 'a');
  ASSERT_TRUE(system->Reset().ok());
  rusage before = {}, after = {};
  ASSERT_EQ(getrusage(RUSAGE_SELF, &before), 0);
  for (size_t page = 0; page < kPages; ++page) {
    *static_cast<volatile char*>(&memory[page * kPage]) = 'b';
  }
  ASSERT_EQ(getrusage(RUSAGE_SELF, &after), 0);
  EXPECT_LT(after.ru_minflt - before.ru_minflt, long{kPages / 10});
}

TEST(Nursery, KilledLivesAreWaitedFor) {
  const std::unique_ptr<KernelSystem> system = NewKernelSystem();
  ASSERT_NE(system, nullptr);
  for (int life = 0; life < 3; ++life) {
    ASSERT_TRUE(system->Reset().ok());
    siginfo_t none = {};
    EXPECT_EQ(waitid(P_ALL, 0, &none, WEXITED | WNOHANG | WNOWAIT), 0);
    EXPECT_EQ(none.si_pid, 0) << "a dead one is left";
    EXPECT_EQ(waitid(P_PGID, static_cast<id_t>(getpgrp()), &none, WEXITED | WNOHANG), 0)
        << "the task is no child of this process, or not in its group";
  }
}

TEST(Nursery, EndsWithTheSystem) {
  NewKernelSystem().reset();
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
}

}  // namespace
}  // namespace ipcspec
