// The rules of POSIX semaphores on the reference alone: one semaphore (posix_sem.h), and where
// addresses and names lead (reference/step_semaphores.cc).
#include "impl/mechanism/posix_sem.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mman.h>

#include <csignal>
#include <memory>
#include <utility>

#include "impl/reference/reference.h"

namespace ipcspec {
namespace {

// Tasks that make calls on a world of their own.
class Bench {
 public:
  // What the reference plays; the call must not sleep.
  Outcome Play(int task, Call call) {
    Start(task, std::move(call));
    Choice usual(Choice::Mode::kUsual);
    const Result result = Offer(world, task, now, usual);
    EXPECT_TRUE(result.done());
    if (world.GetTask(task).alive()) Finish(world, task);
    return result.outcome;
  }
  int64_t Ret(int task, Call call) {
    const Outcome outcome = Play(task, std::move(call));
    EXPECT_EQ(outcome.error, 0);
    return outcome.ret;
  }
  int Error(int task, Call call) { return Play(task, std::move(call)).error; }
  // Whether the call could have had this outcome; it is not made.
  bool Allows(int task, Call call, const Outcome& outcome) {
    const World before = world;
    Start(task, std::move(call));
    const bool allowed = AllowsNow(task, outcome);
    world = before;
    return allowed;
  }
  // The same of the call that the task is in.
  bool AllowsNow(int task, const Outcome& outcome) {
    World copy = world;
    Choice seen(&outcome);
    const Result result = Offer(copy, task, now, seen);
    return result.done() && result.outcome == outcome;
  }
  void Start(int task, Call call) {
    Begin(world, task, ++labels, std::make_shared<const Call>(std::move(call)), now);
  }
  // Whether the call that the task is in may go on sleeping.
  bool MaySleep(int task) {
    World copy = world;
    Choice sleepy(Choice::Mode::kSleepy);
    return Offer(copy, task, now, sleepy).kind == Result::kAsleep;
  }
  int Fork(int task, CloneFlags flags = 0) {
    return static_cast<int>(Ret(task, Clone{.flags = flags}));
  }
  Address Page(int64_t type = MAP_SHARED) {
    return Ret(0, Mmap{.prot = PROT_READ | PROT_WRITE, .flags = MAP_ANONYMOUS | type});
  }
  Address Sem(int64_t value, bool shared = true) {
    const Address at = Page(shared ? MAP_SHARED : MAP_PRIVATE);
    Ret(0, PsemInit{.address = at, .shared = shared, .value = value});
    return at;
  }
  int64_t Value(int task, Address at) {
    return Play(task, PsemGetValue{.address = at}).values.at(0);
  }

  Dialect dialect;
  World world{&dialect};
  int64_t now = 1000;
  int labels = 0;
};

TEST(PosixSem, CountsUpAndDown) {
  Bench b;
  const Address s = b.Sem(1);
  EXPECT_EQ(b.Ret(0, PsemWait{.address = s}), 0);
  EXPECT_EQ(b.Error(0, PsemTryWait{.address = s}), EAGAIN);
  EXPECT_FALSE(b.Allows(0, PsemTryWait{.address = s}, Returns(0)));
  b.Ret(0, PsemPost{.address = s});
  EXPECT_FALSE(b.Allows(0, PsemTryWait{.address = s}, Fails(EAGAIN)));
  EXPECT_EQ(b.Value(0, s), 1);
}

TEST(PosixSem, HasALargestValue) {
  Bench b;
  const Address s = b.Sem(PosixSem::kMaxValue);
  EXPECT_EQ(b.Error(0, PsemPost{.address = s}), EOVERFLOW);
  EXPECT_EQ(b.Value(0, s), PosixSem::kMaxValue);
  EXPECT_EQ(b.Error(0, PsemInit{.address = s, .offset = 64, .value = -1}), EINVAL);
}

TEST(PosixSem, OneOfTheWaitersIsSureToGoOn) {
  Bench b;
  const Address s = b.Sem(0);
  const int first = b.Fork(0), second = b.Fork(0);
  b.Start(first, PsemWait{.address = s});
  b.Start(second, PsemWait{.address = s});
  EXPECT_TRUE(b.MaySleep(first) && b.MaySleep(second));
  b.Ret(0, PsemPost{.address = s});
  EXPECT_FALSE(b.MaySleep(first) || b.MaySleep(second));
  Choice usual(Choice::Mode::kUsual);
  EXPECT_TRUE(Offer(b.world, second, b.now, usual).done());
  EXPECT_TRUE(b.MaySleep(first));
}

TEST(PosixSem, DeadlinesAreNotEarly) {
  Bench b;
  const Address s = b.Sem(0);
  b.Start(0, PsemWait{.address = s, .timeout = 500});
  b.now += 499;
  EXPECT_FALSE(b.AllowsNow(0, Fails(ETIMEDOUT)));
  b.now += 1;
  EXPECT_TRUE(b.AllowsNow(0, Fails(ETIMEDOUT)));
  EXPECT_TRUE(b.MaySleep(0)) << "slow is no fault";
  b.now += 3600'000'000'000;
  EXPECT_FALSE(b.MaySleep(0)) << "forgotten";
}

TEST(PosixSem, DeadlinesThatAreNone) {
  Bench b;
  const Address s = b.Sem(1);
  const PsemWait malformed{.address = s, .timeout = 500, .bad_time = true};
  EXPECT_TRUE(b.Allows(0, malformed, Fails(EINVAL)));
  EXPECT_TRUE(b.Allows(0, malformed, Returns(0)));
  b.Ret(0, PsemWait{.address = s, .timeout = -2});
  EXPECT_FALSE(b.Allows(0, malformed, Returns(0)));
  EXPECT_EQ(b.Error(0, malformed), EINVAL);
  EXPECT_EQ(b.Error(0, PsemWait{.address = s, .timeout = 500, .clock = Clock::kBad}), EINVAL);
  EXPECT_EQ(b.Error(0, PsemWait{.address = s, .timeout = -2}), ETIMEDOUT);
}

TEST(PosixSem, HandlersInterrupt) {
  for (const bool restarts : {false, true}) {
    for (const Nanos timeout : {Nanos(), Nanos(5000)}) {
      Bench b;
      const Address s = b.Sem(0);
      b.Ret(0, Sigaction{
                   .signal = SIGUSR1,
                   .disposition = restarts ? Disposition::kHandleRestart : Disposition::kHandle});
      b.Start(0, PsemWait{.address = s, .timeout = timeout});
      b.world.MutableTask(0).signals.Raise(SIGUSR1);
      EXPECT_FALSE(b.AllowsNow(0, Fails(EINTR)));
      Deliver(b.world, 0, SIGUSR1, b.now);
      const bool timed = timeout.ns != Nanos::kForever;
      EXPECT_EQ(b.AllowsNow(0, Fails(EINTR)), timed || !restarts);
      EXPECT_EQ(b.MaySleep(0), restarts);
    }
  }
}

TEST(PosixSem, MemoryDecidesWhoShares) {
  Bench b;
  const Address shared = b.Sem(5), own = b.Sem(5, false);
  const int forked = b.Fork(0), sharing = b.Fork(0, CLONE_VM);
  for (int task : {forked, sharing}) b.Ret(task, PsemPost{.address = shared});
  EXPECT_EQ(b.Value(0, shared), 7);
  b.Ret(sharing, PsemPost{.address = own});
  EXPECT_EQ(b.Value(0, own), 6);
  // A copy of a semaphore is none.
  EXPECT_TRUE(b.Allows(forked, PsemPost{.address = own}, Fails(EINVAL)));
  EXPECT_TRUE(b.Allows(forked, PsemPost{.address = own}, Returns(0)));
  EXPECT_EQ(b.Value(0, own), 6);
}

TEST(PosixSem, WhatIsMisusedIsNoneAnyMore) {
  Bench b;
  const Address s = b.Sem(0);
  const int waiter = b.Fork(0);
  b.Start(waiter, PsemWait{.address = s});
  b.Play(0, PsemDestroy{.address = s});
  EXPECT_TRUE(b.MaySleep(waiter));
  EXPECT_TRUE(b.AllowsNow(waiter, Fails(EINVAL)));
  EXPECT_TRUE(b.Allows(0, PsemTryWait{.address = s}, Returns(0)));
  EXPECT_TRUE(b.Allows(0, PsemTryWait{.address = s}, Fails(EAGAIN)));
}

TEST(PosixSem, NamesLeadToOneSemaphore) {
  Bench b;
  const PsemOpen open{.name = "/s", .flags = O_CREAT, .mode = 0600, .value = 1};
  const Address s = b.Ret(0, open);
  EXPECT_EQ(b.Ret(0, open), s.value);
  EXPECT_FALSE(b.Allows(0, open, Returns(s.value + (1 << 20))));
  const int child = b.Fork(0);
  b.Ret(child, PsemPost{.address = s});
  EXPECT_EQ(b.Value(0, s), 2);
  b.Ret(0, PsemClose{.address = s});
  EXPECT_EQ(b.Value(0, s), 2);
  b.Ret(0, PsemClose{.address = s});
  EXPECT_EQ(b.Error(0, PsemClose{.address = s}), EINVAL);
  EXPECT_EQ(b.Value(child, s), 2);
  b.Ret(child, Exec{});
  EXPECT_EQ(b.Error(child, PsemClose{.address = s}), EINVAL);
  EXPECT_EQ(b.Value(child, b.Ret(child, PsemOpen{.name = "/s"})), 2);
}

TEST(PosixSem, RemovedNamesAreFree) {
  Bench b;
  const PsemOpen open{.name = "/s", .flags = O_CREAT | O_EXCL, .value = 3};
  const Address before = b.Ret(0, open);
  EXPECT_EQ(b.Error(0, open), EEXIST);
  b.Ret(0, PsemUnlink{.name = "/s"});
  EXPECT_EQ(b.Error(0, PsemUnlink{.name = "/s"}), ENOENT);
  EXPECT_FALSE(b.Allows(0, open, Returns(before.value)));
  const Address after = b.Ret(0, open);
  b.Ret(0, PsemPost{.address = after});
  EXPECT_EQ(b.Value(0, before), 3);
}

TEST(PosixSem, WhoMayOpen) {
  Bench b;
  b.Ret(0, Umask{.mask = 0});
  b.Ret(0, PsemOpen{.name = "/all", .flags = O_CREAT, .mode = 0666});
  b.Ret(0, PsemOpen{.name = "/read", .flags = O_CREAT, .mode = 0644});
  const int other = b.Fork(0);
  b.Ret(other, SetCredentials{.uid = 1000, .gid = 1000});
  EXPECT_EQ(b.Error(other, PsemOpen{.name = "/read"}), EACCES);
  EXPECT_EQ(b.Error(other, PsemUnlink{.name = "/all"}), EACCES);
  b.Ret(other, PsemOpen{.name = "/all"});
  b.Ret(other, LimitDescriptors{.count = 3});
  EXPECT_TRUE(b.Allows(other, PsemOpen{.name = "/none"}, Fails(EMFILE)));
  EXPECT_TRUE(b.Allows(other, PsemOpen{.name = "/none"}, Fails(ENOENT)));
}

}  // namespace
}  // namespace ipcspec
