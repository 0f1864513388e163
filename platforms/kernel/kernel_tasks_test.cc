// The kernel beneath as a system: what sleeps is seen asleep, and signals, handlers, deaths and
// other users are told as they happen.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>

#include <string>
#include <utility>
#include <vector>

#include "platforms/kernel/kernel_system.h"
#include "platforms/kernel/kernel_test.h"

namespace ipcspec {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

using KernelTasksTest = KernelTest;

TEST_F(KernelTasksTest, SleepersAreSeenAsleep) {
  Must(0, Mkfifo{.path = "f"});
  const Outcome pipe = Do(0, MakePipe{});
  const int reader = MustFork(0), opener = MustFork(0), poller = MustFork(0);
  Make(reader, Read{.fd = pipe.values[0], .count = 4});
  EXPECT_TRUE(Asleep(reader));
  Make(opener, Open{.path = "f", .flags = O_RDONLY});
  EXPECT_TRUE(Asleep(opener));
  Make(poller, Poll{.fds = {{.fd = pipe.values[0], .events = POLLIN}}});
  EXPECT_TRUE(Asleep(poller));
  EXPECT_EQ(events_.back().guessed, system_->guesses());
  // One call wakes two; the third sleeps on. What the reader takes leaves some for the poller to
  // see.
  Make(0, Write{.fd = pipe.values[1], .data = "abcdefgh"});
  EXPECT_THAT(Last(Event::Kind::kReturn, reader), SizeIs(1));
  EXPECT_THAT(Last(Event::Kind::kReturn, poller), SizeIs(1));
  EXPECT_TRUE(Asleep(opener));
  EXPECT_GE(Must(0, Open{.path = "f", .flags = O_WRONLY}), 0);
  EXPECT_TRUE(system_->Idle(opener));
}

TEST_F(KernelTasksTest, AwaitLetsTimePass) {
  const int other = MustFork(0);
  const Outcome pipe = Do(0, MakePipe{});
  Make(0, Poll{.fds = {{.fd = pipe.values[0], .events = POLLIN}}, .timeout = 30'000'000});
  EXPECT_TRUE(Asleep(0));
  const int64_t called = Last(Event::Kind::kCall, 0)[0].time_ns;
  last_ = events_.size();
  ASSERT_TRUE(system_->AwaitReturn(0, absl::Seconds(20), events_).ok());
  ASSERT_THAT(Last(Event::Kind::kReturn, 0), SizeIs(1));
  EXPECT_GE(Last(Event::Kind::kReturn, 0)[0].time_ns - called, 30'000'000);
  // What nothing ends is not waited for.
  Make(0, Read{.fd = pipe.values[0], .count = 1});
  EXPECT_TRUE(absl::IsDeadlineExceeded(system_->AwaitReturn(0, absl::Hours(1), events_)));
  EXPECT_TRUE(system_->Idle(other));
}

TEST_F(KernelTasksTest, ForkedTasksEndAndAreWaitedFor) {
  const int child = MustFork(0);
  Make(0, Wait{.target = child});
  EXPECT_TRUE(Asleep(0));
  Make(child, Exit{.status = 3});
  EXPECT_THAT(Exits(child), SizeIs(1));
  EXPECT_FALSE(system_->Alive(child));
  ASSERT_THAT(Last(Event::Kind::kReturn, 0), SizeIs(1));
  const Outcome waited = Last(Event::Kind::kReturn, 0)[0].outcome;
  EXPECT_EQ(waited.ret, child);
  EXPECT_THAT(waited.values, ElementsAre(W_EXITCODE(3, 0)));

  const int second = MustFork(0);
  EXPECT_EQ(Must(0, Wait{.target = second, .options = WNOHANG}), 0);
  Must(0, Kill{.target = second, .signal = SIGKILL});
  EXPECT_THAT(Exits(second), ElementsAre(Told(SIGKILL)));
  EXPECT_THAT(Do(0, Wait{.target = second}).values, ElementsAre(SIGKILL));
  EXPECT_EQ(Do(0, Wait{.target = second}), Fails(ECHILD));
  EXPECT_EQ(Do(0, Kill{.target = second, .signal = SIGKILL}), Fails(ESRCH));
  EXPECT_EQ(Do(0, Kill{.target = -1, .signal = 0}), Fails(ESRCH));
  EXPECT_EQ(Do(0, Kill{.target = 4711, .signal = 0}), Fails(ESRCH));
}

TEST_F(KernelTasksTest, AnOrphanGoesOn) {
  const int child = MustFork(0);
  const int grandchild = MustFork(child);
  Make(child, Exit{});
  EXPECT_TRUE(system_->Idle(grandchild));
  EXPECT_EQ(Must(grandchild, Umask{.mask = 077}), 022);
  Make(0, Exit{.status = 256 + 7});
  EXPECT_THAT(Exits(0), ElementsAre(Told(W_EXITCODE(7, 0))));
  EXPECT_EQ(Must(grandchild, Umask{.mask = 0}), 077);
}

TEST_F(KernelTasksTest, CloneSharesAdjustments) {
  const int label = Make(0, Clone{.flags = CLONE_SYSVSEM});
  const std::vector<Event> returned = Last(Event::Kind::kReturn, 0);
  ASSERT_THAT(returned, SizeIs(1));
  if (!returned[0].outcome.ok()) GTEST_SKIP() << "no CLONE_SYSVSEM here";
  EXPECT_EQ(returned[0].outcome.ret, label);
  EXPECT_TRUE(system_->Idle(label));
}

TEST_F(KernelTasksTest, HandlersRunInIdleTasks) {
  const int child = MustFork(0);
  Must(child, Sigaction{.signal = SIGUSR1, .disposition = Disposition::kHandle});
  Must(child, Sigaction{.signal = SIGUSR2, .disposition = Disposition::kIgnore});
  Must(0, Kill{.target = child, .signal = SIGUSR1});
  EXPECT_THAT(Signals(child), ElementsAre(SIGUSR1));
  Must(0, Kill{.target = child, .signal = SIGUSR2});
  EXPECT_THAT(Signals(child), IsEmpty());
  Must(child, Sigprocmask{.how = MaskChange::kBlock, .signal = SIGUSR1});
  Must(0, Kill{.target = child, .signal = SIGUSR1});
  EXPECT_THAT(Signals(child), IsEmpty());
  EXPECT_THAT(Do(child, Sigpending{}).values, ElementsAre(SIGUSR1));
  Must(child, Sigprocmask{.how = MaskChange::kUnblock, .signal = SIGUSR1});
  EXPECT_THAT(Signals(child), ElementsAre(SIGUSR1));
  EXPECT_EQ(Do(child, Sigprocmask{.signal = 0}), Fails(EINVAL));
  EXPECT_EQ(Do(child, Sigaction{.signal = SIGKILL}), Fails(EINVAL));
  // Default: it ends, though it was idle.
  Must(child, Exec{});
  Must(0, Kill{.target = child, .signal = SIGUSR1});
  EXPECT_THAT(Exits(child), ElementsAre(Told(SIGUSR1)));
}

TEST_F(KernelTasksTest, AHandlerComesBeforeTheReturnThatItCauses) {
  const int child = MustFork(0);
  const Outcome pipe = Do(child, MakePipe{});
  Must(child, Sigaction{.signal = SIGUSR1, .disposition = Disposition::kHandle});
  Must(child, Sigaction{.signal = SIGUSR2, .disposition = Disposition::kHandleRestart});
  Make(child, Read{.fd = pipe.values[0], .count = 1});
  Must(0, Kill{.target = child, .signal = SIGUSR2});
  EXPECT_THAT(Signals(child), ElementsAre(SIGUSR2));
  EXPECT_TRUE(Asleep(child));
  Must(0, Kill{.target = child, .signal = SIGUSR1});
  EXPECT_THAT(Signals(child), ElementsAre(SIGUSR1));
  ASSERT_THAT(Last(Event::Kind::kReturn, child), SizeIs(1));
  EXPECT_EQ(Last(Event::Kind::kReturn, child)[0].outcome, Fails(EINTR));
  std::vector<Event::Kind> order;
  for (size_t i = last_; i < events_.size(); ++i) {
    if (events_[i].task == child && events_[i].kind != Event::Kind::kQuiet) {
      order.push_back(events_[i].kind);
    }
  }
  EXPECT_THAT(order, ElementsAre(Event::Kind::kSignal, Event::Kind::kReturn));
}

TEST_F(KernelTasksTest, SigpipeEndsATaskInItsCall) {
  const Outcome pipe = Do(0, MakePipe{});
  const int child = MustFork(0);
  Must(0, Sigaction{.signal = SIGCHLD, .disposition = Disposition::kHandle});
  Must(0, Close{.fd = pipe.values[0]});
  Must(child, Close{.fd = pipe.values[0]});
  Make(child, Write{.fd = pipe.values[1], .data = "x"});
  EXPECT_THAT(Exits(child), ElementsAre(Told(SIGPIPE)));
  EXPECT_THAT(Signals(0), ElementsAre(SIGCHLD));
  EXPECT_THAT(Last(Event::Kind::kReturn, child), IsEmpty());
}

TEST_F(KernelTasksTest, ChildrenOfWhoIgnoresThemLeaveNoZombie) {
  Must(0, Sigaction{.signal = SIGCHLD, .disposition = Disposition::kIgnore});
  const int child = MustFork(0);
  Make(child, Exit{.status = 1});
  EXPECT_THAT(Exits(child), SizeIs(1));
  EXPECT_EQ(Do(0, Wait{.target = child}), Fails(ECHILD));
}

TEST_F(KernelTasksTest, OtherUsersStayInSight) {
  if (!TestedMachine().other_users) GTEST_SKIP() << "this run knows one user only";
  const int child = MustFork(0);
  Must(child, SetCredentials{.uid = 1001, .gid = 1000});
  EXPECT_EQ(Do(child, SetCredentials{.uid = 0, .gid = 0}), Fails(EPERM));
  EXPECT_EQ(Do(child, Kill{.target = 0, .signal = 0}), Fails(EPERM));
  const Outcome pipe = Do(child, MakePipe{});
  Must(child, Exec{});
  Make(child, Read{.fd = pipe.values[0], .count = 1});
  EXPECT_TRUE(Asleep(child));
  Must(0, Kill{.target = child, .signal = SIGTERM});
  EXPECT_THAT(Exits(child), ElementsAre(Told(SIGTERM)));
}

}  // namespace
}  // namespace ipcspec
